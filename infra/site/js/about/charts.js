// Plots by Chart.js in the colours of the page; model-figures.js adds a table with the same content to each.

/** @import { Chart, ChartConfiguration, Plugin } from "chart.js" */

import { formatNumber } from "../i18n/number-format.js";

/** @typedef {{label: string | string[], value: number, low?: number | undefined, high?: number | undefined, malignant?: boolean}} Bar */

// A curve of more points is drawn without dots, which would overlap.
const MAX_DOTS = 30;

// Pixels between a label and the bars, and before it.
const LABEL_MARGIN = 14;

/** @type {Chart[]} */
let drawn = [];

/** Destroy all charts, before their canvases are replaced. */
export function clearPlots() {
  for (const chart of drawn) chart.destroy();
  drawn = [];
}

/**
 * Draw horizontal bars with their intervals as lines.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Bar[]} bars
 * @param {{least: number, style: Intl.NumberFormatOptions}} scale from `least` to 1
 */
export async function drawBars(canvas, bars, { least, style }) {
  const ink = colours();
  const colour = (/** @type {Bar} */ { malignant }) => (malignant === undefined ? ink.edge : malignant ? ink.malignant : ink.benign);
  /** @type {Plugin<"bar">} */
  const intervals = {
    id: "intervals",
    afterDatasetsDraw({ ctx, scales: { x, y } }) {
      ctx.strokeStyle = ink.ink;
      ctx.lineWidth = 1.5;
      bars.forEach(({ low, high }, index) => {
        if (low === undefined || high === undefined || !x || !y) return;
        const middle = y.getPixelForValue(index);
        ctx.beginPath();
        ctx.moveTo(x.getPixelForValue(low), middle);
        ctx.lineTo(x.getPixelForValue(high), middle);
        ctx.stroke();
      });
    },
  };
  await draw(canvas, {
    type: "bar",
    data: {
      labels: bars.map(({ label }) => label),
      datasets: [{ data: bars.map(({ value }) => value), backgroundColor: bars.map(colour), barThickness: 16, borderRadius: 3 }],
    },
    options: {
      indexAxis: "y",
      scales: {
        x: { ...axis(ink), min: least, max: 1, ticks: { color: ink.soft, callback: (value) => formatNumber(Number(value), style) } },
        y: {
          grid: { display: false },
          border: { color: ink.edge },
          ticks: { color: ink.ink, autoSkip: false },
          // Chart.js limits labels to half of the width and cuts off what is longer: on phones, some diagnoses.
          afterFit(scale) {
            const lines = bars.flatMap(({ label }) => label);
            scale.width = Math.max(scale.width, ...lines.map((line) => Math.ceil(scale.ctx.measureText(line).width) + LABEL_MARGIN));
          },
        },
      },
    },
    plugins: [intervals],
  });
}

/**
 * Draw points joined by a line, both axes from 0 to 1, with the diagonal.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{x: number, y: number}[]} points
 * @param {{x: string, y: string}} names of the axes
 * @param {{x: number, y: number}} [marked] a highlighted point
 */
export async function drawLine(canvas, points, names, marked) {
  const ink = colours();
  const scale = (/** @type {string} */ text) => ({
    ...axis(ink),
    type: /** @type {const} */ ("linear"),
    min: 0,
    max: 1,
    title: { display: true, text, color: ink.soft },
    ticks: {
      color: ink.soft,
      // More labels do not fit a phone.
      stepSize: 0.25,
      maxRotation: 0,
      callback: (/** @type {string | number} */ value) => formatNumber(Number(value), { style: "percent" }),
    },
  });
  const pointRadius = points.length > MAX_DOTS ? 0 : 2.5;
  const ends = [{ x: 0, y: 0 }, { x: 1, y: 1 }];
  await draw(canvas, {
    type: "scatter",
    data: {
      datasets: [
        ...(marked ? [{ data: [marked], backgroundColor: ink.malignant, pointRadius: 7, pointStyle: "rectRot" }] : []),
        { data: points, showLine: true, borderColor: ink.benign, backgroundColor: ink.benign, borderWidth: 2, pointRadius },
        { data: ends, showLine: true, borderColor: ink.soft, borderWidth: 1, borderDash: [2, 4], pointRadius: 0 },
      ],
    },
    options: { scales: { x: scale(names.x), y: scale(names.y) } },
  });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ChartConfiguration} configuration
 */
async function draw(canvas, configuration) {
  await import("/vendor/chart.js/dist/chart.umd.min.js");
  // The dialog may have been closed or changed meanwhile.
  if (!canvas.isConnected) return;
  const Library = /** @type {typeof Chart} */ (Reflect.get(globalThis, "Chart"));
  Library.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Library.defaults.font.size = 13;
  drawn.push(
    new Library(canvas, {
      ...configuration,
      options: {
        ...configuration.options,
        animation: false,
        maintainAspectRatio: false,
        // No tooltips: the table contains the values for everybody.
        events: [],
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
      },
    }),
  );
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"),
    soft: colour("soft"),
    line: colour("line"),
    edge: colour("edge"),
    malignant: colour("malignant"),
    benign: colour("benign"),
  };
}

/** @param {ReturnType<typeof colours>} ink */
const axis = (ink) => ({ grid: { color: ink.line }, border: { color: ink.edge } });
