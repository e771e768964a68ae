// Worker: decodes an image, runs the graph on one thread and applies the decision rules.

/** @import { DecisionConfig, Outputs } from "./decision.js" */
/** @import { Settings } from "../classification/api.js" */
/** @import { Answer } from "../types.js" */
/** @import { InferenceSession, Tensor } from "/vendor/onnxruntime-web/dist/ort.wasm.bundle.min.mjs" */

import { decide, describeType, shortestDecimal } from "./decision.js";
import { decode, DecodeError } from "./decode.js";
import { openHeic } from "./heic-decoder.js";
import { requireInputs } from "./required-inputs.js";

/**
 * @typedef {{model: ArrayBuffer, runtime: ArrayBuffer, decision: DecisionConfig, engine: string, heic: string}} Start addresses
 *   and contents of the downloads
 *
 * @typedef {{id: number, file: Blob} & Settings} ClassifyRequest
 *
 * @typedef {{isStarted: boolean} | {id: number, answer?: Answer, key?: string}} WorkerReply `key` names the
 *   sentence of an error
 */

// In the order of the graph, which counts them from 1.
const IMAGE_TYPES = /** @type {const} */ (["dermoscopic", "clinical"]);
// 0 lets the graph detect the type.
const CHOICES = /** @type {const} */ (["auto", ...IMAGE_TYPES]);

/** @type {Promise<{classify: (request: ClassifyRequest) => Promise<Answer>}>} */
let ready;
/** @type {Promise<unknown>} */
let last = Promise.resolve();

addEventListener("message", (/** @type {MessageEvent<Start | ClassifyRequest>} */ { data }) => {
  if ("model" in data) ready = begin(data);
  // One after the other: a phone has memory for one at a time.
  else last = last.then(() => reply(data));
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

/** @param {ClassifyRequest} request */
async function reply(request) {
  const { id } = request;
  try {
    postMessage({ id, answer: await (await ready).classify(request) });
  } catch (error) {
    if (!(error instanceof DecodeError)) console.error(error);
    postMessage({ id, key: error instanceof DecodeError ? error.key : "problems.private_failed" });
  }
}

/** @param {Start} start */
async function start({ model, runtime, decision, engine, heic }) {
  const ort = await import(engine);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = runtime;
  const bytes = new Uint8Array(model);
  requireInputs(bytes, ["views", "image_type"]);
  /** @type {InferenceSession} */
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });

  /** @param {ClassifyRequest} request */
  async function classify({ file, views, imageType }) {
    const started = performance.now();
    // Twice the input size, because the graph resizes with antialiasing.
    const limits = { minSide: 2 * (decision.card.input_size ?? 0), maxPixels: decision.max_pixels };
    const { pixels, rows, columns, width, height, format } = await decode(file, limits, (blob) => openHeic(blob, heic));
    const decoded = performance.now();
    const image = new ort.Tensor("uint8", pixels, [1, rows, columns, 3]);
    /** @param {bigint} value */
    const scalar = (value) => new ort.Tensor("int64", BigInt64Array.of(value), []);
    // Files of format 1 have no input for the type.
    const type = session.inputNames.includes("image_type") ? { image_type: scalar(BigInt(CHOICES.indexOf(imageType))) } : {};
    const tensors = await session.run({ image, views: scalar(BigInt(views)), ...type });
    const inferred = performance.now();
    const outputs = parseOutputs(tensors, decision.bias, views);
    const { model: version, disclaimer, ...result } = decide(outputs, decision);
    return {
      ...result,
      image: { width, height, format, ...describeType(outputs, decision.card, imageType !== "auto") },
      images: null,
      agreement: null,
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
 * @param {number | null} bias null when it is an output of the graph
 * @param {number} views
 * @returns {Outputs}
 */
function parseOutputs(tensors, bias, views) {
  /** @param {string} name */
  const numbers = (name) => Array.from(/** @type {Float32Array} */ (tensors[name].data), shortestDecimal);
  const [probability] = numbers("probability");
  const [logit] = numbers("logit");
  const classes = numbers("classes");
  const cells = numbers("evidence");
  // Files of format 1 have neither of these outputs.
  const imageType = tensors.used_type ? IMAGE_TYPES[Number(tensors.used_type.data[0]) - 1] : IMAGE_TYPES[0];
  const clinicalProbability = tensors.clinical_probability ? numbers("clinical_probability")[0] : null;
  if (![probability, logit, clinicalProbability ?? 0, ...classes, ...cells].every(Number.isFinite)) throw new Error("The output of the model is not a number.");
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
    imageType,
    clinicalProbability,
    views,
    measures: { sharpness, brightness, size, distance, spread },
  };
}

/** @param {number} milliseconds */
const tenths = (milliseconds) => Math.round(10 * milliseconds) / 10;
