/** The editor and the schema checker arrive only where they are needed: they are not part of the first page. */

import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { Schema } from "@/pure/schema";
import type { Problem } from "@/pure/validate";

const Loaded = lazy(() => import("@/editor/JsonEditor").then((module) => ({ default: module.JsonEditor })));

type Props = React.ComponentProps<typeof Loaded>;

export function JsonEditor(props: Props) {
  return (
    <Suspense fallback={<PlainText text={props.text} />}>
      <Loaded {...props} />
    </Suspense>
  );
}

function PlainText({ text }: { text: string }) {
  return <pre className="max-h-96 overflow-auto rounded-md border border-line p-2 font-mono text-sm">{text}</pre>;
}

const NONE: Problem[] = [];

/** What is wrong with the text by its schema; nothing until the checker has arrived. */
export function useProblems(schema: Schema, text: string | undefined): Problem[] {
  const [make, setMake] = useState<{ maker: (schema: Schema) => (text: string) => Problem[] }>();
  useEffect(() => {
    let wanted = true;
    void import("@/pure/validate").then((module) => wanted && setMake({ maker: module.makeChecker }));
    return () => {
      wanted = false;
    };
  }, []);
  const check = useMemo(() => make?.maker(schema), [make, schema]);
  return useMemo(() => (check && text !== undefined ? check(text) : NONE), [check, text]);
}
