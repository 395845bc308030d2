import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { EDITOR_COLOURS, EDITOR_LOOK } from "@/editor/look";
import { Button } from "@/ui/Button";

/** What is longer scrolls, until somebody asks for all of it: the page below must stay within reach. */
const SHORT_PX = 16 * 20 + 10;

export interface EditorProblem {
  from: number;
  to: number;
  message: string;
}

/**
 * A JSON text in an editor. Without `onChange` it can only be read. `problems` are marked at their place. Tab leaves the
 * editor and Ctrl/⌘+Enter is left to the form around it, as everywhere else on the page.
 */
export function JsonEditor({
  label,
  text,
  onChange,
  problems = [],
}: {
  label: string;
  text: string;
  onChange?: (text: string) => void;
  problems?: readonly EditorProblem[];
}) {
  const [isTall, setTall] = useState(false);
  const [isLong, setLong] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const naming = useRef(new Compartment());
  const isEditable = onChange !== undefined;
  const changed = useEffectEvent((next: string) => onChange?.(next));
  const first = useEffectEvent(() => ({ text, naming: naming.current.of(attributes(label, problems.length > 0)) }));

  useEffect(() => {
    if (!place.current) return;
    const start = first();
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: start.text,
        extensions: [
          keymap.of([{ key: "Mod-Enter", run: () => true }]),
          ...extensions(isEditable),
          start.naming,
          EditorView.updateListener.of((update) => {
            if (update.geometryChanged) setLong(update.view.contentHeight > SHORT_PX);
            if (update.docChanged) changed(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, [isEditable]);

  useEffect(() => {
    const shown = view.current?.state.doc.toString();
    if (shown !== undefined && shown !== text) {
      view.current?.dispatch({ changes: { from: 0, to: shown.length, insert: text } });
    }
  }, [text]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    editor.dispatch({ effects: naming.current.reconfigure(attributes(label, problems.length > 0)) });
    editor.dispatch(setDiagnostics(editor.state, problems.map(diagnosticWithin(editor.state.doc.length))));
  }, [problems, label]);

  const height = { "--editor-height": isTall ? "none" : `${SHORT_PX}px` } as React.CSSProperties;
  return (
    <div className="overflow-hidden rounded-md border border-line" style={height}>
      <div ref={place} />
      {isLong ? (
        <Button
          kind="quiet"
          className="w-full rounded-none border-line border-t"
          aria-expanded={isTall}
          onClick={() => setTall(!isTall)}
        >
          {isTall ? "Show less" : "Show all of it"}
        </Button>
      ) : null}
    </div>
  );
}

function attributes(label: string, invalid: boolean): Extension {
  return EditorView.contentAttributes.of({ "aria-label": label, "aria-invalid": String(invalid), tabindex: "0" });
}

/** The text may have become shorter since the problem was found. */
function diagnosticWithin(length: number): (problem: EditorProblem) => Diagnostic {
  return ({ from, to, message }) => ({
    from: Math.min(from, length),
    to: Math.min(Math.max(to, from), length),
    message,
    severity: "error",
  });
}

function extensions(isEditable: boolean): Extension[] {
  const shared = [
    lineNumbers(),
    codeFolding(),
    foldGutter(),
    drawSelection(),
    bracketMatching(),
    highlightSelectionMatches(),
    search({ top: true }),
    json(),
    EDITOR_COLOURS,
    EditorView.lineWrapping,
    EDITOR_LOOK,
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...foldKeymap]),
  ];
  if (isEditable) return [...shared, history(), indentOnInput(), lintGutter()];
  // It stays focusable: keyboards must be able to scroll, fold and search what they may only read.
  return [...shared, EditorState.readOnly.of(true), EditorView.editable.of(true)];
}
