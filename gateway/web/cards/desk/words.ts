/** Words of what operators set: the room's rules, its words, rehearsals, refunds; and of muting people. */

export const sanction = {
  mute: "Mute",
  ban: "Put out of the room",
  title: (name: string) => `Quiet for ${name}`,
  kind: "What",
  long: "For how long",
  longs: [[10, "10 seconds"], [60, "1 minute"], [600, "10 minutes"], [3600, "1 hour"], [86_400, "1 day"], [0, "for ever"]] as const,
  why: "Why",
  whyHint: "For the team; somebody who is muted reads it too",
  remove: "Delete what they wrote last",
  cancel: "Leave it",
};

export const settings = {
  begin: "Room settings",
  label: "Room settings",
  title: "Name of the room",
  display: "Comments shown a second",
  displayHint: "empty: as the deployment says",
  delay: "Video is behind by, seconds",
  delayHint: "everything that closes by the clock waits so much longer",
  reports: "Reports that hold a comment",
  reportsHint: "0: none do",
  unattended: "While nobody is on duty",
  after: "Nobody for so many seconds",
  afterHint: "0: never",
  slow: "Slow mode then, seconds",
  links: "Viewers may post links",
  hold: "One report holds a comment",
  save: "Save",
  saved: "Saved. The staff log has a way back.",
  close: "Close",
};

export const list = {
  begin: "Word list",
  label: "Word list",
  text: "One word or phrase a line; * at the end takes any ending. Starter lists in four languages hold beside it.",
  words: "Words",
  action: "What becomes of them",
  actions: { hold: "wait for staff", refuse: "are refused", allow: "are allowed" } as Record<string, string>,
  add: "Add",
  remove: (word: string) => `Take ${word} off the list`,
  none: "The shop has no words of its own yet.",
  close: "Close",
};

export const rehearsal = {
  begin: "Rehearsals",
  label: "Rehearsals",
  text: "A rehearsal is this room with its show, rules, products and staff, apart from everything real: pages are marked, money is play money, stock is a copy.",
  make: "Make a rehearsal",
  open: "Go there",
  erase: "Erase",
  eraseConfirm: (room: string) => `Erase ${room} with everything that happened in it? Whoever is there is sent away.`,
  none: "There is none now.",
  close: "Close",
};

export const refund = {
  begin: "Give money back",
  label: "Give money back",
  purchase: "The shop's number of the purchase",
  amount: "Amount, in the smallest unit",
  amountHint: "empty: all that is left of it",
  why: "Why",
  ask: "Give it back",
  asked: "Asked for. Above the shop's limit a second operator confirms it.",
  close: "Close",
};
