/* Keys of the inbox. The shell keeps them silent while somebody types, and off for those who switched them off. */

import { shortcut } from "./shortcuts.js";

/* inbox: what the keys act on (see inbox.js). */
export function bindKeys(inbox) {
  shortcut("j", "Next conversation", () => inbox.step(1));
  shortcut("k", "Previous conversation", () => inbox.step(-1));
  shortcut("r", "Write a reply", () => inbox.composer?.focus({ force: true }));
  shortcut("e", "Close or reopen the conversation", () => inbox.toggleState());
}
