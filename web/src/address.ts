/** The fragment of the page's address: which model, size and layer it shows. */

import type { Page } from "./data";
import { sizeText } from "./text";

/** auto: as the system has it. */
export type Theme = "auto" | "light" | "dark";

export interface Address {
  model: number;
  stop: number | null;
  layer: number | null;
  theme: Theme;
}

/** What a fragment says, as far as this page has it: an address may be anyone's. */
export function readAddress(hash: string, page: Page): Address {
  const says = new URLSearchParams(hash.replace(/^#/, ""));
  const found = page.models.findIndex((x) => x.page.label === says.get("model"));
  const index = Math.max(found, 0);
  const model = page.models[index];
  const stop = model?.page.sizes?.stops.findIndex((x) => sizeText(x) === says.get("size")) ?? -1;
  const [name, call = "0"] = [says.get("layer"), says.get("call") ?? undefined];
  const layer = model?.layers.findIndex((x) => x.name === name && String(x.call) === call) ?? -1;
  const theme = says.get("theme");
  return {
    model: index,
    stop: stop < 0 || stop === model?.page.sizes?.linted ? null : stop,
    layer: layer < 0 ? null : layer,
    theme: theme === "light" || theme === "dark" ? theme : "auto",
  };
}

/** The fragment for what is shown, without its `#`; empty where nothing was chosen. */
export function writeAddress(address: Address, page: Page): string {
  const says = new URLSearchParams();
  const model = page.models[address.model];
  const layer = address.layer === null ? undefined : model?.layers[address.layer];
  const size = address.stop === null ? undefined : model?.page.sizes?.stops[address.stop];
  if (model && address.model > 0) says.set("model", model.page.label);
  if (size) says.set("size", sizeText(size));
  if (layer) says.set("layer", layer.name);
  if (layer && layer.call > 0) says.set("call", String(layer.call));
  if (address.theme !== "auto") says.set("theme", address.theme);
  return says.toString();
}
