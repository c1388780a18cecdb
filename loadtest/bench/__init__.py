"""The benchmark: figures of speed and memory, measured against a C loop of send(2) in the same round.

run ─> rounds ─> deployment  (livestream serve, pinned)
          │  └─> client      (fanload, csend)
          └────> figures     (pure: what is measured, and its target)
results ─> stats, render     (pure)
"""
