import { json } from "@codemirror/lang-json";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { EDITOR_COLOURS, EDITOR_LOOK } from "@/editor/look";

const DIFF_LOOK = EditorView.theme({
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--bad-soft) !important" },
  "&.cm-merge-b .cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--good-soft) !important" },
  ".cm-changedText, .cm-deletedText": { background: "none !important", fontWeight: "600" },
});

function extensions(label: string): Extension[] {
  return [
    lineNumbers(),
    json(),
    EDITOR_COLOURS,
    EDITOR_LOOK,
    DIFF_LOOK,
    EditorView.lineWrapping,
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  ];
}

/** Two JSON texts, what differs marked: side by side, or one above the other on a phone. */
export function DiffView({ a, b, name, unified }: { a: string; b: string; name: string; unified: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    const collapseUnchanged = { margin: 3, minSize: 6 };
    if (unified) {
      const merge = unifiedMergeView({ original: a, mergeControls: false, collapseUnchanged });
      const view = new EditorView({ parent, doc: b, extensions: [...extensions(`${name}, A changed to B`), merge] });
      return () => view.destroy();
    }
    const view = new MergeView({
      parent,
      a: { doc: a, extensions: extensions(`${name} of A`) },
      b: { doc: b, extensions: extensions(`${name} of B`) },
      collapseUnchanged,
      gutter: true,
    });
    return () => view.destroy();
  }, [a, b, name, unified]);
  return <div ref={place} className="max-h-[60vh] overflow-auto rounded-md border border-line bg-surface" />;
}
