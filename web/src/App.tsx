import { Graph } from "./graph/Graph";
import type { Store } from "./state";

export function App({ store }: { store: Store }) {
  const model = store.model.value;
  const at = store.at.value;
  if (!model || !at) return null;
  return (
    <main>
      <h1>{store.page.title}</h1>
      <Graph
        model={model}
        verdictOf={at.verdictOf}
        fieldsOf={at.fieldsOf}
        selected={store.selected.value}
        onSelect={store.select}
      />
    </main>
  );
}
