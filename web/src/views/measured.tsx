/** What was measured of a layer of a trained model: numbers, and a map of what shapes it. */

import { range } from "d3-array";
import { useMemo } from "preact/hooks";
import type { ContributionMap, Layer, MeasuredLayer, Model } from "../data";
import { type Box, colourOf, extent, LEVELS, levelPaths, outline } from "../heatmap";
import { lengths, share, sizeText, tight } from "../text";

export function Measured({ model, layer }: { model: Model; layer: Layer }) {
  const layers = model.report.measured?.layers ?? [];
  const place = layers.findIndex((x) => x.name === layer.name && x.call === layer.call);
  const measured = layers[place];
  if (!measured) return null;
  const among = model.page.measured_layers[place];
  const rows = measuredRows(measured, among?.gain ?? null, among?.tail ?? false);
  if (rows.length === 0) return null;
  return (
    <section class="layer-measured" data-testid="layer-measured" aria-label="Measured">
      <h3>Measured at {sizeText(model.report.resolution)}</h3>
      <dl class="numbers">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{tight(value)}</dd>
          </div>
        ))}
      </dl>
      {measured.erf_map && <HeatMap layer={layer} measured={measured} map={measured.erf_map} />}
    </section>
  );
}

/** How much of the contribution lies in which part of the input: "50 % in 8 %". */
const held = ({ erf_areas }: MeasuredLayer): string =>
  erf_areas.map((x) => `${share(x.share, 1)} in ${share(x.area, 1)}`).join(", ");

/** The numbers that there are, each with its name. */
export function measuredRows(
  measured: MeasuredLayer,
  gain: number | null,
  tail: boolean,
): [string, string][] {
  const rows: [string, string][] = [];
  if (measured.s !== null) {
    const part = tail ? ", part of the tail" : "";
    rows.push(["Saturation", `${measured.s.toFixed(2)}${part}`]);
  }
  if (measured.p !== null) {
    const error = measured.p_stderr === null ? "" : ` ± ${(100 * measured.p_stderr).toFixed(1)}`;
    rows.push(["Probe's accuracy", `${(100 * measured.p).toFixed(1)}${error} %`]);
  }
  if (gain !== null) {
    const sign = gain < 0 ? "−" : "+";
    rows.push(["Gain", `${sign}${(100 * Math.abs(gain)).toFixed(1)} points on those before`]);
  }
  if (measured.erf !== null) {
    const spread = measured.erf.map((x) => Number(x.toFixed(1)));
    rows.push(["Spread (σ)", `${lengths(spread, true)} px`]);
    if (measured.erf_areas.length > 0) rows.push(["Of the input", held(measured)]);
  }
  return rows;
}

function HeatMap(props: { layer: Layer; measured: MeasuredLayer; map: ContributionMap }) {
  const { layer, measured, map } = props;
  const { width, height } = extent(map);
  const paths = useMemo(() => levelPaths(map), [map]);
  const least = lengths(layer.r_out_min, true);
  const most = lengths(layer.r_out_max, true);
  const told = [
    `Effective receptive field of ${layer.title}: what each part of the ${sizeText(map.size)} input contributes to the middle of its output.`,
    `r_min spans ${least} px, r_max ${most} px around the centre.`,
    ...(measured.erf_areas.length > 0 ? [`Contributions: ${held(measured)} of the input.`] : []),
  ].join(" ");
  const block = lengths(map.block);
  const blocks = map.block.some((x) => x > 1) ? ` Each block is the mean of ${block} px.` : "";
  return (
    <figure class="heat">
      <figcaption>Effective receptive field</figcaption>
      <svg
        class="heat-map"
        data-testid="heat-map"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="xMinYMid"
        role="img"
        aria-label={told}
      >
        {paths.map((d, level) => d && <path key={level} d={d} style={{ fill: colourOf(level) }} />)}
        <rect class="heat-frame" width={width} height={height} />
        <Outline look="r-max" box={outline(map, layer.r_out_max)} />
        <Outline look="r-min" box={outline(map, layer.r_out_min)} />
      </svg>
      <ul class="heat-legend">
        <li>
          <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
            <line class="r-min" x1="0" x2="26" y1="5" y2="5" />
          </svg>
          r_min {least} px
        </li>
        <li>
          <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
            <line class="r-max" x1="0" x2="26" y1="5" y2="5" />
          </svg>
          r_max {most} px
        </li>
        <li>
          0
          <svg
            class="heat-bar"
            viewBox={`0 0 ${LEVELS} 1`}
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            {range(LEVELS).map((level) => (
              <rect key={level} x={level} width="1" height="1" style={{ fill: colourOf(level) }} />
            ))}
          </svg>
          1
        </li>
      </ul>
      <p class="muted">
        Contribution x, the largest is 1; colours follow log10(1 + 9 x). Squares end at the input.
        {blocks}
      </p>
    </figure>
  );
}

/** Twice: with a rim, so that it is seen on any colour. */
function Outline({ look, box }: { look: string; box: Box }) {
  return (
    <>
      <rect class="rim" {...box} />
      <rect class={look} data-outline={look} {...box} />
    </>
  );
}
