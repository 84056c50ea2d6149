import { render } from "preact";
import { App } from "./App";
import { readPage } from "./data";
import { createStore } from "./state";
import "./style.css";

const root = document.getElementById("app");
const page = readPage(document);
if (root && page) {
  document.title = page.title;
  render(<App store={createStore(page, window)} />, root);
}
