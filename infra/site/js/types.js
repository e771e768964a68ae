// The shapes of the API's answers, for type checkers and readers; nothing here runs.

/**
 * @typedef {{id: string, title: string, diagnosis: string, malignant: boolean, image: string, thumbnail: string,
 *   source: string, licence: string}} Sample
 *
 * @typedef {{code: string, name: string, malignant: boolean}} DiagnosisClass
 *
 * @typedef {{value: number, low?: number, high?: number}} Figure
 *
 * @typedef {{n?: number, malignant?: number, auc?: Figure, sensitivity?: Figure, specificity?: Figure}} TestFigures
 *
 * @typedef {{roc?: [number, number][], reliability?: [number, number][]}} Curves points: share of benign and of malignant
 *   lesions above each threshold; probability and share of malignant lesions
 *
 * @typedef {{test?: {all?: TestFigures, eight_views?: TestFigures, datasets?: Record<string, TestFigures>, curves?: Curves,
 *   diagnoses?: Record<string, {n: number, malignant: boolean, above_threshold: Figure}>} | null,
 *   strangers?: Record<string, {n: number, refused: number}>}} Metrics
 *
 * @typedef {{version: string, sha256: string, architecture?: string, input_size?: number, threshold: number,
 *   coverage?: number, training?: {datasets?: Record<string, number>} | null, classes?: DiagnosisClass[], metrics?: Metrics | null,
 *   licence?: string | null, intended_use?: string | null, limits_of_use?: string[] | null}} ModelCard
 *
 * @typedef {{title?: string, description?: string, about?: string[], links?: Record<string, string | null>,
 *   limits?: {max_upload_bytes: number, max_pixels: number, max_pixels_of?: Record<string, number>,
 *     formats: string[]}}} Config
 *
 * @typedef {{decision: "above_threshold" | "below_threshold", malignant_probability: number, threshold: number,
 *   prediction_set: string[], logit: number,
 *   classes: {code: string, malignant: boolean, probability: number}[]}} Prediction
 *
 * @typedef {{rows: number, columns: number, bias: number, values: number[][]}} Evidence
 *
 * @typedef {{status: "ok" | "refused", refusal: {code: string, message: string} | null, prediction: Prediction | null,
 *   evidence: Evidence | null, image: {width: number, height: number, format: string},
 *   model: {version: string, sha256: string}, timing_ms: {decode?: number, infer?: number, total?: number},
 *   disclaimer: string}} Answer
 *
 * @typedef {{kind: "sample", sample: Sample, number: number}} SampleSource
 *
 * @typedef {{kind: "file", file: File, isTaken?: boolean, original?: File, side?: number}} FileSource a photograph of the
 *   person's own: `isTaken` by the page's camera, and where it was cropped, from which `original` and to which `side`
 *
 * @typedef {SampleSource | FileSource} Source
 *
 * @typedef {"new" | "waiting" | "looking" | "done" | "failed"} State
 *
 * @typedef {{answer: Answer, model: ModelCard | null, views: number, note: () => string}} Judgement `note` says what was done to
 *   the photograph before it was judged, if anything
 *
 * @typedef {{source: Source, address: string | null, isOpening: boolean, state: State, judgement: Judgement | null,
 *   problem: Problem | null}} Picture one of those that are looked at; `address` is where its preview is, null where there is
 *   none, and `isOpening` while one is made
 */

/** @import { Problem } from "./problem.js" */

export {};
