"""Webhooks: what happened in a shop's rooms, told to the shop's own server. Standard Webhooks, at least once.

    business transaction ─ outbox.emit ─> webhook_message, webhook_delivery
                                                  │ COMMIT
    worker ─ courier: claim under a lease ─> sign ─> POST ─> schedule decides ─> record

The rules are pure (`signature`, `schedule`, `target`), SQL is in `outbox` and
`store`, what a shop does with its endpoints in `service`.
"""
