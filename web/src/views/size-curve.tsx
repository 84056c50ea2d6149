/** Above the slider: unproductive layers and costs at all of its sizes, with the chosen one. */

import { useMemo } from "preact/hooks";
import { curvePaths, HEIGHT, placeOf, type SizeCurve, WIDTH } from "../curve";
import { short, tight } from "../text";

export function CurveDrawing(props: { curve: SizeCurve; lengths: number[]; stop: number }) {
  const { curve, lengths, stop } = props;
  const paths = useMemo(() => curvePaths(curve, lengths), [curve, lengths]);
  const x = placeOf(lengths)(lengths[stop] ?? 0);
  return (
    <svg
      class="size-curve"
      data-testid="size-curve"
      role="img"
      aria-label={curve.says}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      {curve.mostUnproductive > 0 && (
        <>
          <path class="curve-area" d={paths.wasted} />
          <path class="curve-unproductive" d={paths.unproductive} />
          <path class="curve-unproductive curve-dots" d={paths.unproductiveDots} />
        </>
      )}
      <path class="curve-macs" d={paths.macs} />
      <path class="curve-macs curve-dots" d={paths.macsDots} />
      <line class="curve-now" x1={x} x2={x} y1={0} y2={HEIGHT} />
    </svg>
  );
}

/** What its lines mean, and how high they go. */
export function CurveLegend({ curve }: { curve: SizeCurve }) {
  return (
    <>
      {curve.mostUnproductive > 0 && (
        <li>
          <i class="key-unproductive" />
          unproductive convolutions, up to {curve.mostUnproductive}
        </li>
      )}
      {curve.mostMacs > 0 && (
        <li>
          <i class="key-macs" />
          {tight(`MACs, up to ${short(curve.mostMacs)}`)}
        </li>
      )}
    </>
  );
}
