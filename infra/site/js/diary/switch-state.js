// Whether the diary is on. It is off until the person switches it on; the choice is kept in this browser.

const KEY = "diary";
let isOn = restored();

/** @type {(() => void)[]} */
const listeners = [];

function restored() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

export const isDiaryOn = () => isOn;

// Another window switched it.
addEventListener("storage", ({ key }) => (key === KEY || key === null) && tell(restored()));

/** @param {boolean} value */
export function switchDiary(value) {
  try {
    if (value) localStorage.setItem(KEY, "on");
    else localStorage.removeItem(KEY);
  } catch {
    // The choice is valid for this visit only.
  }
  tell(value);
}

/** @param {boolean} value */
function tell(value) {
  isOn = value;
  for (const listener of listeners) listener();
}

/** @param {() => void} listener called after each change */
export function onDiarySwitch(listener) {
  listeners.push(listener);
}
