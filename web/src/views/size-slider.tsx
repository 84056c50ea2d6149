/** The input's size: moving it judges every layer anew. */

import { pairs } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { Model, Sizes } from "../data";
import { nearestStop, stopForKey, stopLengths } from "../slider";
import type { Store } from "../state";
import { plural, sizeText } from "../text";
import { type AtSize, type StopMark, stopMarks } from "../verdicts";

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
  return (
    <div class="sizes" data-state={at.state}>
      <div class="sizes-row">
        <label for="size">Input size</label>
        <Range sizes={sizes} stop={at.stop ?? sizes.linted} store={store} />
        <output for="size" class="size-now">
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
    </div>
  );
}

function said(at: AtSize): string {
  const size = sizeText(at.size);
  if (at.state === "fails") return `The model does not run at ${size}: ${at.why}`;
  if (at.state === "unknown") {
    return `What becomes of the layers at ${size} is not known${at.why ? `: ${at.why}` : "."}`;
  }
  const judged = plural(at.convs ?? 0, "convolution");
  if (at.unproductive === 0) return `At ${size} none of ${judged} is unproductive.`;
  return `At ${size}, ${at.unproductive} of ${judged} ${at.unproductive === 1 ? "is" : "are"} unproductive.`;
}

function Range({ sizes, stop, store }: { sizes: Sizes; stop: number; store: Store }) {
  const lengths = stopLengths(sizes);
  const [low = 0, high = 0] = [lengths[0], lengths.at(-1)];
  const marks = stopMarks(sizes);
  const move = (to: number) => {
    store.stop.value = to === sizes.linted ? null : to;
  };
  return (
    <div class="range">
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
      <Strip lengths={lengths} marks={marks} linted={sizes.linted} />
    </div>
  );
}

/** Below the track: where the model is sound, where it is not, and where nobody knows. */
function Strip(props: { lengths: number[]; marks: StopMark[]; linted: number }) {
  const { lengths, marks } = props;
  const [low = 0, high = 1] = [lengths[0], lengths.at(-1)];
  const x = scaleLinear([low, Math.max(high, low + 1)], [0, 100]);
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
        <li class="ends">{high}</li>
      </ul>
    </>
  );
}
