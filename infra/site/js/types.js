// Types of the API's responses and of the page's own data; this file contains no code.

/**
 * @typedef {{id: string, title: string, diagnosis: string, malignant: boolean, image: string, thumbnail: string,
 *   source: string, licence: string}} Sample
 *
 * @typedef {{code: string, name: string, malignant: boolean}} DiagnosisClass
 *
 * @typedef {{value: number, low?: number, high?: number}} Figure
 *
 * @typedef {{n?: number, malignant?: number, auc?: Figure, sensitivity?: Figure, specificity?: Figure,
 *   melanoma_sensitivity?: {value: number | null}, melanoma_nevus?: {melanoma?: number}}} TestFigures
 *
 * @typedef {{roc?: [number, number][], reliability?: [number, number][]}} Curves points of
 *   `roc`: share of benign and of malignant lesions above each threshold; of `reliability`: probability and share of malignant lesions
 *
 * @typedef {Record<string, Record<string, {n: number}>>} Subgroups such as "age" -> "30 to 49" -> figures
 *
 * @typedef {TestFigures & {eight_views?: TestFigures}} TypeFigures figures of one image type
 *
 * @typedef {{val?: {all?: TestFigures, types?: Partial<Record<ImageType, TestFigures>>} | null,
 *   test?: {all?: TestFigures, eight_views?: TestFigures, types?: Partial<Record<ImageType, TypeFigures>>, datasets?: Record<string, TestFigures>, curves?: Curves,
 *   diagnoses?: Record<string, {n: number, malignant: boolean, above_threshold: Figure}>, subgroups?: Subgroups} | null,
 *   strangers?: Record<string, {n: number, refused: number}>}} Metrics
 *
 * @typedef {{version: string, sha256: string, architecture?: string, input_size?: number, threshold: number,
 *   coverage?: number, operating_points?: Partial<Record<ImageType, Record<string, {coverage: Record<string, number>}>>>,
 *   training?: {datasets?: Record<string, number>} | null, classes?: DiagnosisClass[], metrics?: Metrics | null,
 *   licence?: string | null, intended_use?: string | null, limits_of_use?: string[] | null, has_evidence?: boolean}} ModelCard
 *
 * @typedef {{title?: string, description?: string, about?: string[], links?: Record<string, string | null>,
 *   limits?: {max_upload_bytes: number, max_pixels: number, max_pixels_of?: Record<string, number>,
 *     max_images?: number, formats: string[]}, default_views?: number}} Config
 *
 * @typedef {{decision: "above_threshold" | "below_threshold", malignant_probability: number, threshold: number,
 *   prediction_set: string[], logit: number,
 *   classes: {code: string, malignant: boolean, probability: number}[]}} Prediction
 *
 * @typedef {{rows: number, columns: number, bias: number, values: number[][]}} Evidence
 *
 * @typedef {"dermoscopic" | "clinical"} ImageType
 *
 * @typedef {"auto" | ImageType} ImageTypeChoice "auto" lets the model detect the type
 *
 * @typedef {{width: number, height: number, format: string, type: ImageType, type_source: "detected" | "given" | "assumed",
 *   type_probability: number | null}} ImageInfo `type_probability` is null for a model of one type
 *
 * @typedef {{status: "ok" | "refused", refusal: {code: string, message: string} | null, prediction: Prediction | null,
 *   evidence: Evidence | null, image: ImageInfo | null}} OneAnswer
 *
 * @typedef {"agree" | "disagree"} Agreement of the photos of one lesion about the side of the threshold
 *
 * @typedef {OneAnswer & {agreement?: null}} ImageAnswer of one of several photos
 *
 * @typedef {OneAnswer & {images?: ImageAnswer[] | null, agreement?: Agreement | null,
 *   model: {version: string, sha256: string}, timing_ms: {decode?: number, infer?: number, total?: number},
 *   disclaimer: string}} Answer `image` is null and `images` is not for several photos of one lesion
 *
 * @typedef {{kind: "sample", sample: Sample, number: number}} SampleSource
 *
 * @typedef {{kind: "file", file: File, isTaken?: boolean, original?: File, side?: number,
 *   diary?: {spot: string, photo: string}}} FileSource a photo of the person: `isTaken` with the page's camera; after a crop,
 *   `original` is the uncropped file and `side` the square in pixels; `diary` contains ids of a photo that is kept there
 *
 * @typedef {SampleSource | FileSource} Source
 *
 * @typedef {"new" | "waiting" | "running" | "done" | "failed"} State
 *
 * @typedef {{answer: Answer, model: ModelCard | null, views: number, note: () => string}} Classification `note` says how
 *   the photo was changed before it was analysed, if at all
 *
 * @typedef {{state: State, classification: Classification | null, problem: Problem | null, imageType: ImageTypeChoice,
 *   concerns: string[]}} Job what is classified at once; `imageType` as the person chose it; `concerns` are ABCDE questions that were
 *   answered with yes
 *
 * @typedef {Job & {source: Source, address: string | null, isOpening: boolean}} Photo `address` of its preview, null without one;
 *   `isOpening` while a preview is being made
 *
 * @typedef {Job & {photos: Photo[], sources: Source[]}} Lesion several photos of one lesion, and the files that they had
 *
 * @typedef {{state: "off" | "loading" | "ready" | "failed", share: number}} Mode private mode; `share` of the download, 0 to 1
 */

/**
 * @typedef {object} Visit what the page shows, except for what only one element knows, such as a fold that is open
 * @property {readonly Photo[]} photos another list after every change of a photo
 * @property {Photo | null} selected the photo that is shown beside its result
 * @property {Lesion | null} lesion that all photos show; null when they show different ones
 * @property {boolean} isOneLesion as the person says
 * @property {Job | null} expected whose result is scrolled to and focused when it arrives
 * @property {Job | null} cancelled by the person
 * @property {{number: number, all: number} | null} progress of the lesion that is being analysed, in photos
 * @property {{key: string, values?: Values | undefined} | null} note about the list of photos
 * @property {Sample[] | null} samples null until they are loaded
 * @property {Problem | Error | null} samplesProblem why they could not be loaded
 * @property {Config["limits"]} limits of the service; undefined until they are loaded
 * @property {number} views of the next analysis, 1 or 8
 * @property {boolean} hasChosenViews whether the person chose them
 * @property {Mode} mode
 * @property {number | null} downloadBytes of private mode; null when it is not known
 * @property {number} prevalence that the person supposes
 * @property {string} language
 * @property {boolean} isOtherDropped whether something was dropped that is no file
 * @property {boolean} isModuleMissing whether a part of the page could not be loaded
 */

/** @import { Values } from "./i18n/translations.js" */
/** @import { Problem } from "./problem.js" */

export {};
