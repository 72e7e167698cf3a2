/* Ticks only rise. Frames come from several processes and may overtake each other, and the answer to a request may come
   after the frames that followed it, so what was once confirmed by WhatsApp is never shown as less. */

const CONFIRMED = ["sent", "delivered", "read", "played"];

const rank = (ticks) => CONFIRMED.findIndex((status) => ticks?.classList.contains(`ticks-${status}`));

/* Whether `status` would say less than what `shown` (anything with ticks in it) says already. */
export const lowers = (shown, status) => CONFIRMED.indexOf(status) < rank(shown?.querySelector(".ticks"));

/* Give `fresh` the ticks of `shown`, of the same message, if those are higher. */
export function keepHigher(shown, fresh) {
  const [before, after] = [shown, fresh].map((one) => one.querySelector(".ticks"));
  if (before && after && rank(before) > rank(after)) after.replaceWith(before.cloneNode(true));
}
