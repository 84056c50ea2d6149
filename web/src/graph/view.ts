/** Zoom and pan, and what of the drawing is in sight. */

import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Point } from "./geometry";

export interface Rect extends Point {
  w: number;
  h: number;
}

export interface View {
  transform: () => ZoomTransform;
  /** Move so that a point of the drawing is where the screen has `to`. */
  put: (point: Point, to: Point, scale?: number) => void;
  scaleBy: (factor: number) => void;
  /** The size of the view in pixels. */
  size: () => { w: number; h: number };
  /** Bring a rectangle into sight, if it is not there. */
  show: (rect: Rect) => void;
  centre: (rect: Rect, scale?: number) => void;
}

const SMALLEST = 0.04;
const LARGEST = 3;

/** How far beyond what is in sight things are drawn, in views. */
const MARGIN = 1;

export function useView(
  svg: RefObject<SVGSVGElement | null>,
  canvas: RefObject<SVGGElement | null>,
  isLarge: boolean,
): { view: View; drawn: Rect | null } {
  const [drawn, setDrawn] = useState<Rect | null>(null);
  const current = useRef(zoomIdentity);
  const large = useRef(isLarge);
  large.current = isLarge;
  const rendered = useRef<Rect | null>(null);
  rendered.current = drawn;

  const behaviour = useMemo(
    () => zoom<SVGSVGElement, unknown>().scaleExtent([SMALLEST, LARGEST]).clickDistance(4),
    [],
  );

  // before whoever uses the view first moves it
  useLayoutEffect(() => {
    const element = svg.current;
    if (!element) return;
    const update = () => {
      if (!large.current) return;
      const seen = inSight(element, current.current);
      if (!rendered.current || !contains(rendered.current, seen)) setDrawn(widened(seen));
    };
    behaviour
      // the page scrolls past the graph, until somebody turns to it
      .filter((event: Event) => {
        const turned = element.contains(document.activeElement);
        if (event instanceof WheelEvent) return event.ctrlKey || event.metaKey || turned;
        if (typeof TouchEvent !== "undefined" && event instanceof TouchEvent) {
          return event.touches.length > 1 || turned;
        }
        return !(event instanceof MouseEvent && event.button !== 0);
      })
      .on("zoom", (event: D3ZoomEvent<SVGSVGElement, unknown>) => {
        current.current = event.transform;
        canvas.current?.setAttribute("transform", event.transform.toString());
        update();
      });
    const selection = select(element);
    selection.call(behaviour).on("dblclick.zoom", null);
    const resized = new ResizeObserver(update);
    resized.observe(element);
    return () => {
      resized.disconnect();
      selection.on(".zoom", null);
    };
  }, [svg, canvas, behaviour]);

  const view = useMemo((): View => {
    const size = () => ({ w: svg.current?.clientWidth ?? 0, h: svg.current?.clientHeight ?? 0 });
    const set = (transform: ZoomTransform) => {
      if (svg.current) behaviour.transform(select(svg.current), transform);
    };
    const put = (point: Point, to: Point, scale = current.current.k) => {
      const k = Math.min(LARGEST, Math.max(SMALLEST, scale));
      set(zoomIdentity.translate(to.x - k * point.x, to.y - k * point.y).scale(k));
    };
    const centre = ({ x, y, w, h }: Rect, scale?: number) => {
      const { w: width, h: height } = size();
      put({ x: x + w / 2, y: y + h / 2 }, { x: width / 2, y: height / 2 }, scale);
    };
    return {
      transform: () => current.current,
      put,
      centre,
      size,
      scaleBy: (factor) => {
        if (svg.current) behaviour.scaleBy(select(svg.current), factor);
      },
      show: (rect) => {
        const { x, y, k } = current.current;
        const { w, h } = size();
        const [left, top] = [rect.x * k + x, rect.y * k + y];
        const inside = left >= 0 && top >= 0 && left + rect.w * k <= w && top + rect.h * k <= h;
        if (!inside) centre(rect);
      },
    };
  }, [svg, behaviour]);
  return { view, drawn: isLarge ? drawn : null };
}

function inSight(element: SVGSVGElement, { x, y, k }: ZoomTransform): Rect {
  return { x: -x / k, y: -y / k, w: element.clientWidth / k, h: element.clientHeight / k };
}

function widened({ x, y, w, h }: Rect): Rect {
  return { x: x - w * MARGIN, y: y - h * MARGIN, w: w * (1 + 2 * MARGIN), h: h * (1 + 2 * MARGIN) };
}

function contains(outer: Rect, inner: Rect): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.w >= inner.x + inner.w &&
    outer.y + outer.h >= inner.y + inner.h &&
    outer.w < inner.w * 8
  );
}

export function meets(a: Rect, b: Rect | null): boolean {
  if (b === null) return true;
  return a.x < b.x + b.w && a.x + a.w > b.x && a.y < b.y + b.h && a.y + a.h > b.y;
}
