// Judges photographs beside the page, which stays responsive: decode, run the graph on one thread, decide.

/** @import { Judge, Outputs } from "./decide.js" */
/** @import { Answer } from "../types.js" */
/** @import { InferenceSession, Tensor } from "/vendor/onnxruntime-web/dist/ort.wasm.bundle.min.mjs" */

import { decide, plain } from "./decide.js";
import { decode, Unreadable } from "./decode.js";
import { openHeic } from "./heic.js";
import { requireViews } from "./views.js";

/**
 * @typedef {{model: ArrayBuffer, runtime: ArrayBuffer, judge: Judge, engine: string, heic: string}} Start addresses and
 *   contents of what was downloaded
 *
 * @typedef {{id: number, file: Blob, views: number}} Question
 *
 * @typedef {{isStarted: boolean} | {id: number, answer?: Answer, key?: string}} Reply `key` names the sentence that stands in
 *   an answer's place
 */

/** @type {Promise<{classify: (question: Question) => Promise<Answer>}>} */
let ready;
/** @type {Promise<unknown>} */
let turn = Promise.resolve();

addEventListener("message", (/** @type {MessageEvent<Start | Question>} */ { data }) => {
  if ("model" in data) ready = begin(data);
  // One after the other: a telephone has memory for one.
  else turn = turn.then(() => reply(data));
});

/** @param {Start} data */
async function begin(data) {
  try {
    const started = await start(data);
    postMessage({ isStarted: true });
    return started;
  } catch (error) {
    postMessage({ isStarted: false });
    throw error;
  }
}

/** @param {Question} question */
async function reply(question) {
  const { id } = question;
  try {
    postMessage({ id, answer: await (await ready).classify(question) });
  } catch (error) {
    if (!(error instanceof Unreadable)) console.error(error);
    postMessage({ id, key: error instanceof Unreadable ? error.key : "problems.private_failed" });
  }
}

/** @param {Start} start */
async function start({ model, runtime, judge, engine, heic }) {
  const ort = await import(engine);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = runtime;
  const bytes = new Uint8Array(model);
  requireViews(bytes);
  /** @type {InferenceSession} */
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });

  /** @param {Question} question */
  async function classify({ file, views }) {
    const started = performance.now();
    // Twice the network's size, so that its own antialiased resize still has something to average.
    const limits = { atLeast: 2 * (judge.card.input_size ?? 0), mostPixels: judge.max_pixels };
    const { pixels, rows, columns, width, height, format } = await decode(file, limits, (blob) => openHeic(blob, heic));
    const decoded = performance.now();
    const outputs = await session.run({
      image: new ort.Tensor("uint8", pixels, [1, rows, columns, 3]),
      views: new ort.Tensor("int64", BigInt64Array.of(BigInt(views)), []),
    });
    const inferred = performance.now();
    const { model: version, disclaimer, ...verdict } = decide(read(outputs, judge.bias), judge);
    return {
      ...verdict,
      image: { width, height, format },
      model: version,
      timing_ms: {
        decode: tenths(decoded - started),
        infer: tenths(inferred - decoded),
        total: tenths(performance.now() - started),
      },
      disclaimer,
    };
  }
  return { classify };
}

/**
 * @param {Record<string, Tensor>} tensors
 * @param {number | null} bias null where the graph gives it
 * @returns {Outputs}
 */
function read(tensors, bias) {
  /** @param {string} name */
  const numbers = (name) => Array.from(/** @type {Float32Array} */ (tensors[name].data), plain);
  const [probability] = numbers("probability");
  const [logit] = numbers("logit");
  const classes = numbers("classes");
  const cells = numbers("evidence");
  if (![probability, logit, ...classes, ...cells].every(Number.isFinite)) throw new Error("The model's answer is not a number.");
  const [rows, columns] = tensors.evidence.dims;
  const [sharpness, brightness, size] = numbers("quality");
  const [distance] = numbers("distance");
  const [spread] = numbers("spread");
  return {
    probability,
    logit,
    classes,
    evidence: Array.from({ length: rows }, (_, row) => cells.slice(row * columns, (row + 1) * columns)),
    bias: bias ?? numbers("bias")[0],
    measures: { sharpness, brightness, size, distance, spread },
  };
}

/** @param {number} milliseconds */
const tenths = (milliseconds) => Math.round(10 * milliseconds) / 10;
