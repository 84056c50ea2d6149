/** The input's size: moving it judges every layer anew. */

import { pairs } from "d3-array";
import { useMemo } from "preact/hooks";
import { placeOf, type SizeCurve, sizeCurve } from "../curve";
import type { Model, Sizes } from "../data";
import { nearestStop, stopForKey, stopLengths } from "../slider";
import type { Store } from "../state";
import { sizeText } from "../text";
import { type AtSize, gaps, type StopMark, said, stopMarks } from "../verdicts";
import { CurveDrawing, CurveLegend } from "./size-curve";

const MARK_WORDS: Record<StopMark, string> = {
  sound: "nothing is unproductive",
  unproductive: "unproductive layers",
  fails: "does not run",
  unknown: "not known",
};

export function SizeSlider({ store, model, at }: { store: Store; model: Model; at: AtSize }) {
  const { sizes } = model.page;
  if (sizes === null) {
    return (
      <div class="sizes">
        <p class="muted">
          Linted at <strong>{sizeText(model.report.resolution)}</strong>. What becomes of the layers
          at other sizes is not known to this page.
        </p>
      </div>
    );
  }
  const linted = sizes.stops[sizes.linted] ?? model.report.resolution;
  const between = at.state === "unknown" ? "" : gaps(sizes);
  return (
    <div class="sizes" data-state={at.state}>
      <div class="sizes-row">
        <label for="size">Input size</label>
        <Range sizes={sizes} stop={at.stop ?? sizes.linted} store={store} />
        <Typed sizes={sizes} stop={at.stop ?? sizes.linted} store={store} />
        <output for="size size-typed" class="size-now">
          {sizeText(at.size)}
        </output>
        <button
          type="button"
          class="quiet"
          disabled={at.linted}
          onClick={() => {
            store.stop.value = null;
          }}
        >
          Back to {sizeText(linted)}
        </button>
      </div>
      <p class="sizes-said" aria-live="polite" data-testid="size-says">
        {said(at)}
        {!at.linted && (
          <span class="muted">
            {" "}
            Findings, repairs, dead weights and costs of single layers are those of the linted size,{" "}
            {sizeText(linted)}.
          </span>
        )}
      </p>
      {between && (
        <p class="muted sizes-gaps" data-testid="size-gaps">
          {between}
        </p>
      )}
    </div>
  );
}

function Range({ sizes, stop, store }: { sizes: Sizes; stop: number; store: Store }) {
  const lengths = useMemo(() => stopLengths(sizes), [sizes]);
  const [low = 0, high = 0] = [lengths[0], lengths.at(-1)];
  const marks = useMemo(() => stopMarks(sizes), [sizes]);
  const curve = useMemo(() => sizeCurve(sizes), [sizes]);
  const move = (to: number) => moveTo(to, sizes, store);
  return (
    <div class="range">
      <CurveDrawing curve={curve} lengths={lengths} stop={stop} />
      <input
        type="range"
        id="size"
        data-testid="size"
        min={low}
        max={high}
        step={1}
        value={lengths[stop]}
        aria-valuetext={`${sizeText(sizes.stops[stop] ?? [])}: ${MARK_WORDS[marks[stop] ?? "unknown"]}`}
        onInput={(event) => {
          const to = nearestStop(lengths, Number(event.currentTarget.value));
          move(to);
          event.currentTarget.value = String(lengths[to]);
        }}
        onKeyDown={(event) => {
          const to = stopForKey(event.key, stop, lengths.length);
          if (to === null) return;
          event.preventDefault();
          move(to);
        }}
      />
      <Strip lengths={lengths} marks={marks} linted={sizes.linted} curve={curve} />
    </div>
  );
}

function moveTo(to: number, sizes: Sizes, store: Store): void {
  store.stop.value = to === sizes.linted ? null : to;
}

/** The same length as a number, to be typed: it goes to the nearest size that there is. */
function Typed({ sizes, stop, store }: { sizes: Sizes; stop: number; store: Store }) {
  const lengths = stopLengths(sizes);
  return (
    <input
      type="number"
      id="size-typed"
      data-testid="size-typed"
      aria-label="Input size in pixels"
      min={lengths[0]}
      max={lengths.at(-1)}
      value={lengths[stop]}
      onChange={(event) => {
        const wanted = event.currentTarget.valueAsNumber;
        const to = Number.isNaN(wanted) ? stop : nearestStop(lengths, wanted);
        moveTo(to, sizes, store);
        event.currentTarget.value = String(lengths[to]);
      }}
    />
  );
}

/** Below the track: where the model is sound, where it is not, and where nobody knows. */
function Strip(props: { lengths: number[]; marks: StopMark[]; linted: number; curve: SizeCurve }) {
  const { lengths, marks } = props;
  const [low = 0, high = 1] = [lengths[0], lengths.at(-1)];
  const x = placeOf(lengths);
  const edges = [low, ...pairs(lengths, (a, b) => (a + b) / 2), high];
  const runs: { mark: StopMark; from: number; to: number }[] = [];
  marks.forEach((mark, k) => {
    const to = x(edges[k + 1] ?? high);
    const last = runs.at(-1);
    if (last?.mark === mark) last.to = to;
    else runs.push({ mark, from: x(edges[k] ?? low), to });
  });
  const kinds = (Object.keys(MARK_WORDS) as StopMark[]).filter((mark) => marks.includes(mark));
  return (
    <>
      <div class="strip" aria-hidden="true">
        {runs.map((run) => (
          <i
            key={run.from}
            data-mark={run.mark}
            style={{ left: `${run.from}%`, width: `${run.to - run.from}%` }}
          />
        ))}
        <b style={{ left: `${x(lengths[props.linted] ?? low)}%` }} />
      </div>
      <ul class="strip-legend">
        <li class="ends">{low}</li>
        {kinds.map((mark) => (
          <li key={mark}>
            <i data-mark={mark} />
            {MARK_WORDS[mark]}
          </li>
        ))}
        <li>
          <b />
          linted
        </li>
        <CurveLegend curve={props.curve} />
        <li class="ends">{high}</li>
      </ul>
    </>
  );
}
