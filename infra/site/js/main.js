// Entry module: loads the translations, then connects the controls of the page to their modules.

import { setupAbout, showAbout, showConfig } from "./about/view.js";
import { addPhotos, setupActions } from "./app/actions.js";
import { selectDefaultViews } from "./app/analysis.js";
import { setupFolds } from "./app/folds.js";
import { setupNavigation } from "./app/navigation.js";
import { registerServiceWorker } from "./app/offline.js";
import { setupOverTime, showDiary } from "./app/over-time.js";
import { changeList, shownJob } from "./app/photo-list.js";
import { render } from "./app/render.js";
import { loadGallery } from "./app/sample-gallery.js";
import { markSaved, updateUnsaved } from "./app/unsaved.js";
import { warmUp } from "./app/warm-up.js";
import { getConfig } from "./classification/api.js";
import { byId } from "./dom.js";
import { setupLanguage } from "./i18n/document-text.js";
import { formatDate } from "./i18n/number-format.js";
import { language, loadTranslations, onLanguageChange, t } from "./i18n/translations.js";
import { setupFileInput } from "./photo/file-input.js";
import { setupPrivateMode } from "./private/switch.js";
import { subscribe, update } from "./store.js";

async function configure() {
  const config = await getConfig().catch(() => null);
  if (!config) return;
  changeList({ limits: config.limits });
  selectDefaultViews(config.default_views);
  showConfig(config);
}

/** The report is the result itself: print.css lays it out and the browser prints it, so nothing is sent or stored. */
function setupPrint() {
  byId("print", HTMLButtonElement).addEventListener("click", () => print());
  // Also for a print command of the browser's own menu.
  addEventListener("beforeprint", () => {
    byId("printed", HTMLElement).textContent = t("print.date", { date: formatDate(new Date()) });
  });
  addEventListener("afterprint", () => markSaved([shownJob()?.classification]));
}

try {
  await loadTranslations();
} catch (error) {
  byId("broken", HTMLElement).hidden = false;
  throw error;
}
setupLanguage();
// Drawn before anything else happens after a change, such as a move of the focus.
subscribe(render);
subscribe(updateUnsaved);
onLanguageChange(() => update({ language: language() }));
update({ language: language() });
registerServiceWorker();
setupPrivateMode();
setupActions();
setupFileInput(
  (files) => void addPhotos(files.map((file) => ({ kind: "file", file }))),
  () => update({ isOtherDropped: true }),
  warmUp,
);
setupAbout();
setupOverTime();
setupNavigation(() => {
  showAbout();
  void showDiary();
});
setupFolds();
setupPrint();
// Every control responds from here on; tests/benchmarks/page.py measures when.
performance.mark("usable");
void configure();
void loadGallery((sample, index) => void addPhotos([{ kind: "sample", sample, number: index }]));
