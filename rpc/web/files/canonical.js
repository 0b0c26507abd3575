// The bytes of a block that its hash is of: JSON as Python's json.dumps(block, sort_keys=True) writes it.
// Answers hold the same text without the spaces.

// member returns the text of an object's first member, whose key is known, from the text of the object.
export function member(text, key) {
  const start = text.indexOf('{"' + key + '":') + key.length + 4;
  let depth = 0,
    inside = false;
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (inside) {
      if (c === "\\") i++;
      else if (c === '"') inside = false;
      continue;
    }
    if (c === '"') inside = true;
    else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") depth--;
    if (depth === 0) return text.slice(start, i + 1);
  }
  return "";
}

// spaced writes a space after each comma and colon outside of strings.
export const spaced = (text) =>
  text.replace(/"(?:[^"\\]|\\.)*"|[,:]/g, (part) => (part === "," || part === ":" ? part + " " : part));
