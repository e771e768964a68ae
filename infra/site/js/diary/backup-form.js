// Export and import of the diary.

import { announce, createElement } from "../dom.js";
import { setPlainText, setText } from "../i18n/document-text.js";
import { formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { Problem } from "../problem.js";
import { LEAST_PASSPHRASE, decrypt, encrypt } from "./backup.js";
import { button, field, paragraph } from "./elements.js";
import { dayOf } from "./records.js";
import * as store from "./store.js";

// Browsers read a download after the click that starts it.
const REVOKE_AFTER_MS = 60_000;

/** @param {"new-password" | "current-password"} kind for password managers */
function passphraseField(kind) {
  const input = createElement("input", "");
  input.type = "password";
  input.autocomplete = kind;
  return input;
}

/**
 * @param {() => unknown} onImport called after records were added
 * @returns {HTMLElement}
 */
export function backupSection(onImport) {
  const [first, again, existing] = [passphraseField("new-password"), passphraseField("new-password"), passphraseField("current-password")];
  const file = createElement("input", "");
  file.type = "file";
  const said = createElement("p", "backup-said");
  said.setAttribute("role", "status");
  const section = createElement(
    "section",
    "backup",
    setText(createElement("h3", ""), "diary.backup.heading"),
    paragraph("diary.backup.text"),
    said,
    form("diary.backup.export", [field("diary.backup.new", first, "diary.backup.forgotten"), field("diary.backup.again", again)], save),
    form("diary.backup.import", [field("diary.backup.file", file), field("diary.backup.existing", existing)], load),
  );
  return section;

  async function save() {
    if ([...first.value].length < LEAST_PASSPHRASE) throw new Problem("diary.backup.short", { values: { least: formatNumber(LEAST_PASSPHRASE) } });
    if (first.value !== again.value) throw new Problem("diary.backup.different");
    const exported = await encrypt(await store.listSpots(), await store.listPhotoIds(), store.getPhoto, first.value);
    const link = createElement("a", "");
    link.href = URL.createObjectURL(exported);
    link.download = `diary-${dayOf(new Date())}.lesion-diary`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
    first.value = again.value = "";
    setText(said, "diary.backup.saved");
  }

  async function load() {
    const [chosen] = file.files ?? [];
    if (!chosen) throw new Problem("diary.backup.no_file");
    const { spots, photos } = await decrypt(chosen, existing.value);
    const written = await store.merge(spots, photos);
    const sentence = t("diary.backup.loaded", { spots: formatNumber(written.spots), photos: formatNumber(written.photos) });
    await onImport();
    announce(sentence);
  }

  /**
   * @param {string} key
   * @param {HTMLElement[]} fields
   * @param {() => Promise<void>} act
   */
  function form(key, fields, act) {
    const submit = button(key, async () => {
      submit.disabled = true;
      setText(said, "diary.backup.working");
      try {
        await act();
      } catch (error) {
        const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
        const other = new Problem(isFull ? "diary.backup.full" : "diary.unavailable");
        setPlainText(said, (error instanceof Problem ? error : other).sentence);
      }
      submit.disabled = false;
    });
    return createElement("fieldset", "", setText(createElement("legend", ""), key), ...fields, createElement("div", "controls", submit));
  }
}
