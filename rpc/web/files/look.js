// The reader's choices of theme and size, before the first paint: a page must not flash in other colours.
for (const [key, values] of [
  ["theme", ["light", "dark"]],
  ["size", ["large"]],
]) {
  let value = null;
  try {
    value = localStorage.getItem("kuai-" + key);
  } catch {
    /* storage is off: the system's choice holds */
  }
  if (values.includes(value)) document.documentElement.dataset[key] = value;
}
