import { useEffect } from "preact/hooks";
import { Graph } from "./graph/Graph";
import type { Store } from "./state";
import { Details } from "./views/details";
import { Figure } from "./views/figure";
import { Findings } from "./views/findings";
import { Header } from "./views/header";
import { Overview } from "./views/overview";
import { Section } from "./views/parts";
import { Repairs } from "./views/repairs";
import { SizeSlider } from "./views/size-slider";
import { LayerTable } from "./views/table";
import { TopBar } from "./views/top-bar";

/** The whole page: one model at a time, and all that is known of it. */
export function App({ store }: { store: Store }) {
  const model = store.model.value;
  const at = store.at.value;
  const theme = store.theme.value;
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <>
      <TopBar store={store} />
      <main>
        <Overview store={store} />
        {model && at && (
          <div key={model.index}>
            <Header model={model} at={at} />
            <SizeSlider store={store} model={model} at={at} />
            <Figure store={store} model={model} at={at} />
            <Findings store={store} model={model} />
            <Repairs model={model} />
            <Section
              id="graph"
              title="The graph"
              lead="Every layer, and what it reads. Modules fold and unfold."
            >
              <Graph
                model={model}
                verdictOf={at.verdictOf}
                fieldsOf={at.fieldsOf}
                selected={store.selected.value}
                onSelect={store.select}
              />
            </Section>
            <LayerTable store={store} model={model} at={at} />
            <Details store={store} model={model} at={at} />
          </div>
        )}
      </main>
      <footer>
        <p>
          Made by rflint {store.page.version}. This file is whole: it asks for nothing from
          anywhere.
        </p>
      </footer>
    </>
  );
}
