// Selects language and view before the first paint, which a module cannot.
//
// Until a translation is loaded, the English text of index.html is hidden (see style.css), so that nothing shifts.

{
  const root = document.documentElement;
  /** @type {(string | null)[]} */
  const preferred = [new URLSearchParams(location.search).get("lang")];
  try {
    preferred.push(localStorage.getItem("language"));
  } catch {
    // The browser denies access to its storage.
  }
  preferred.push(...navigator.languages);
  const supported = (root.dataset.languages ?? "").split(" ");
  root.lang = preferred.map((tag) => (tag ?? "").toLowerCase().split("-")[0] ?? "").find((code) => supported.includes(code)) ?? "en";
  root.toggleAttribute("data-untranslated", root.lang !== "en");
  root.dataset.view = /^\/(about|diary)\/?$/.exec(location.pathname)?.[1] ?? "analysis";

  const strings = document.createElement("link");
  strings.rel = "preload";
  strings.as = "fetch";
  strings.crossOrigin = "anonymous";
  strings.href = `/strings/${root.lang}.json`;
  document.head.append(strings);
}
