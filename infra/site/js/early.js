// Runs before anything is drawn, which a module cannot: in which language the page will speak. Words in another language
// than English come a moment later, and until then the English ones of index.html are not shown (see style.css), so that
// nothing jumps.

{
  const root = document.documentElement;
  /** @type {(string | null)[]} */
  const wanted = [...navigator.languages];
  try {
    wanted.unshift(localStorage.getItem("language"));
  } catch {
    // A browser may keep its storage from pages; then nothing was remembered.
  }
  const known = (root.dataset.languages ?? "").split(" ");
  root.lang = wanted.map((tag) => (tag ?? "").slice(0, 2).toLowerCase()).find((code) => known.includes(code)) ?? "en";
  root.toggleAttribute("data-untranslated", root.lang !== "en");

  const strings = document.createElement("link");
  strings.rel = "preload";
  strings.as = "fetch";
  strings.crossOrigin = "anonymous";
  strings.href = `/strings/${root.lang}.json`;
  document.head.append(strings);
}
