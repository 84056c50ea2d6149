/** Small parts that several views share. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Snippet } from "../data";
import { dedented } from "../text";

/** A part of the page with its heading. */
export function Section(props: {
  id: string;
  title: string;
  lead?: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section id={props.id} class="section" aria-labelledby={`${props.id}-title`}>
      <header class="section-head">
        <div>
          <h2 id={`${props.id}-title`} tabIndex={-1}>
            {props.title}
          </h2>
          {props.lead && <p class="lead">{props.lead}</p>}
        </div>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

/** Quoted source, with the line marked that is meant. */
export function Quote({ snippet, label }: { snippet: Snippet; label?: string }) {
  return (
    <figure class="quote">
      <figcaption>
        {label && <span class="quote-label">{label}</span>}
        <span class="path">
          {snippet.path}:{snippet.line}
        </span>
      </figcaption>
      <pre>
        <code>
          {dedented(snippet.lines).map((text, k) => {
            const number = snippet.first + k;
            const meant = number === snippet.line;
            return (
              <span class={meant ? "line meant" : "line"} key={number}>
                <span class="number" aria-hidden="true">
                  {number}
                </span>
                {meant ? <mark>{text || " "}</mark> : text || " "}
                {"\n"}
              </span>
            );
          })}
        </code>
      </pre>
    </figure>
  );
}

/** Code with a button that copies it; where the browser refuses, the text is selected instead. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState("Copy");
  const copy = async () => {
    setSaid((await copyText(text, code.current)) ? "Copied" : "Selected: press Ctrl+C");
    window.setTimeout(() => setSaid("Copy"), 2500);
  };
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys have to reach it */}
      <pre tabIndex={0}>
        <code ref={code}>{text}</code>
      </pre>
      <button type="button" class="copy" aria-label={`Copy ${label}`} onClick={copy}>
        <span aria-live="polite">{said}</span>
      </button>
    </div>
  );
}

/** Whether the clipboard took it. A page that was opened from a file may not be allowed to write. */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  const clipboard: Clipboard | undefined = navigator.clipboard;
  const written = await clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (!written && shown) window.getSelection()?.selectAllChildren(shown);
  return written ?? false;
}
