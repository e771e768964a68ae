// The state of a visit, in one place: actions change it by `update`, and app/render.js draws it.
//
// Photos and lesions keep their identity, because an analysis and a decoder refer to them for a long time. They are changed
// by app/photo-list.js only, which replaces the list with every change.

/** @import { Visit } from "./types.js" */

/** @type {Visit} */
let visit = {
  photos: [],
  selected: null,
  lesion: null,
  isOneLesion: false,
  expected: null,
  cancelled: null,
  progress: null,
  note: null,
  samples: null,
  samplesProblem: null,
  limits: undefined,
  views: 1,
  hasChosenViews: false,
  mode: { state: "off", share: 0 },
  downloadBytes: null,
  prevalence: 0.02,
  language: "",
  isOtherDropped: false,
  isModuleMissing: false,
};

/** @type {((visit: Readonly<Visit>) => void)[]} */
const listeners = [];
/** Number of batches that are open. */
let depth = 0;
let isChanged = false;

/** @returns {Readonly<Visit>} the current state */
export const getVisit = () => visit;

/** @param {Partial<Visit>} change of the state, after which the listeners are called */
export function update(change) {
  visit = { ...visit, ...change };
  isChanged = true;
  if (!depth) notify();
}

/**
 * Make several changes, after which the listeners are called once.
 *
 * @param {() => void} changes
 */
export function batch(changes) {
  depth++;
  try {
    changes();
  } finally {
    depth--;
    if (!depth && isChanged) notify();
  }
}

function notify() {
  isChanged = false;
  for (const listener of listeners) listener(visit);
}

/** @param {(visit: Readonly<Visit>) => void} listener called after each change, in the order of the subscriptions */
export function subscribe(listener) {
  listeners.push(listener);
}

/**
 * Call a listener after each change of one value.
 *
 * @template T
 * @param {(visit: Readonly<Visit>) => T} select
 * @param {(value: T, before: T) => void} listener
 */
export function watch(select, listener) {
  let last = select(visit);
  subscribe((now) => {
    const before = last;
    last = select(now);
    if (last !== before) listener(last, before);
  });
}

/**
 * Return a function that draws only if one of its arguments has changed.
 *
 * @template {unknown[]} T
 * @param {(...values: T) => void} draw
 * @returns {(...values: T) => void}
 */
export function whenChanged(draw) {
  /** @type {T | null} */
  let last = null;
  return (...values) => {
    const before = last;
    last = values;
    if (!before || values.some((value, index) => value !== before[index])) draw(...values);
  };
}
