/** The platform's own words, as far as they tell why a container does not come up. */

const IMAGE_FAULT =
  /\b(?:err(?:or)? ?(?:while )?(?:image ?)?pull|imagepullbackoff|errimagepull|failed to pull|cannot pull|could not pull|pull access denied|manifest (?:for \S+ )?(?:unknown|not found)|invalid reference format|toomanyrequests|no matching manifest|repository .{1,200} not found)/i;
const MAX_LENGTH = 300;

/** What a system line says of an image that could not be pulled; null: nothing of the kind. */
export function readImageFault(text: string): string | null {
  return IMAGE_FAULT.test(text) ? text.slice(0, MAX_LENGTH) : null;
}
