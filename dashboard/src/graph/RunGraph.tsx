import {
  Background,
  BackgroundVariant,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "@/graph/graph.css";
import { useEffect, useMemo, useRef } from "react";
import type { Graph, StepSummary } from "@/api/contract";
import { inRunOrder, layoutGraph, NODE_HEIGHT, NODE_WIDTH, neighbour } from "@/pure/graph";
import { lookOf } from "@/pure/status";
import { formatDuration } from "@/pure/time";
import { Glyph, TONE_TEXT } from "@/ui/Glyph";
import { Took } from "@/ui/Moment";

interface Shown {
  nodes: Graph["nodes"];
  edges: Graph["edges"];
  /** Empty for a definition that is shown without a run. */
  steps?: readonly StepSummary[];
  selected?: string | undefined;
  direction: "LR" | "TB";
  onSelect: (step: string) => void;
}

interface StepData extends Record<string, unknown> {
  name: string;
  kind: string;
  effect: string;
  step: StepSummary | undefined;
  selected: boolean;
  direction: "LR" | "TB";
  onSelect: (step: string) => void;
}

const NODE_TYPES = { step: StepNode };
const DIMMED = new Set(["not_reached", "pending"]);

export function RunGraph(shown: Shown) {
  return (
    <ReactFlowProvider>
      <Canvas {...shown} />
    </ReactFlowProvider>
  );
}

function Canvas({ nodes, edges, steps = [], selected, direction, onSelect }: Shown) {
  const frame = useRef<HTMLDivElement>(null);
  const layout = useMemo(() => layoutGraph(nodes, edges, direction), [nodes, edges, direction]);
  useFitOnResize(frame);
  const flowNodes: Node<StepData>[] = inRunOrder(nodes, edges).map((node) => {
    const box = layout.boxes.find((each) => each.name === node.name);
    const step = steps.find((each) => each.name === node.name);
    return {
      id: node.name,
      type: "step",
      position: { x: box?.x ?? 0, y: box?.y ?? 0 },
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      data: { ...node, step, selected: node.name === selected, direction, onSelect },
    };
  });
  const flowEdges: Edge[] = edges.map((edge) => ({
    id: `${edge.source} ${edge.target}`,
    source: edge.source,
    target: edge.target,
    className: edge.data ? "data" : "order",
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: "var(--line-strong)" },
  }));
  const onKeyDown = (event: React.KeyboardEvent) => {
    const from = document.activeElement?.closest<HTMLElement>("[data-step]")?.dataset.step;
    if (!from || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = neighbour(layout.boxes, from, event.key);
    if (next) frame.current?.querySelector<HTMLElement>(`[data-step="${CSS.escape(next)}"]`)?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move between the steps, which are buttons
    <div ref={frame} className="min-h-72 flex-1" onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={flowNodes}
        edges={flowEdges}
        nodeTypes={NODE_TYPES}
        aria-label="Graph of the steps"
        fitView
        fitViewOptions={{ padding: 0.12, maxZoom: 1.1 }}
        minZoom={0.15}
        maxZoom={1.6}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

/** The drawer opens beside the graph and takes room from it; everything stays in sight. */
function useFitOnResize(frame: React.RefObject<HTMLDivElement | null>): void {
  const { fitView } = useReactFlow();
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(() => void fitView({ padding: 0.12, maxZoom: 1.1 }));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [fitView, frame]);
}

function StepNode({ data }: NodeProps<Node<StepData>>) {
  const { name, kind, effect, step, selected, direction, onSelect } = data;
  const look = step
    ? lookOf(step.status)
    : { word: kind === "call" ? "step" : kind.replace("_", " "), tone: "off" as const, glyph: "ring" as const };
  const words = [look.word, step && step.attempts > 1 ? `×${step.attempts}` : "", step?.edited ? "edited" : ""].filter(
    Boolean,
  );
  return (
    <>
      <Handle type="target" position={direction === "LR" ? Position.Left : Position.Top} isConnectable={false} />
      <button
        type="button"
        data-step={name}
        aria-pressed={selected}
        title={step?.waiting ?? step?.error_message ?? undefined}
        onClick={() => onSelect(name)}
        className={`nopan flex h-full w-full flex-col justify-center gap-0.5 rounded-md border bg-surface px-3 text-left hover:border-line-strong aria-pressed:border-accent aria-pressed:ring-2 aria-pressed:ring-accent-line ${
          step && DIMMED.has(step.status) ? "border-line border-dashed" : "border-line"
        } ${step?.status === "failed" ? "border-bad-line bg-bad-soft" : ""} ${step?.status === "kept" ? "bg-accent-soft" : ""}`}
      >
        <span className="flex items-center gap-1.5">
          <span className="truncate font-semibold text-sm">{name}</span>
          {effect === "irreversible" ? (
            <span className="ml-auto text-2xs text-wait" title="This step is declared irreversible">
              irreversible
            </span>
          ) : null}
        </span>
        <span className={`flex items-center gap-1.5 text-xs ${TONE_TEXT[look.tone]}`}>
          <Glyph name={look.glyph} className="size-3" />
          {words.join(" · ")}
          <span className="ml-auto font-mono text-2xs text-ink-faint">{step ? <NodeTook step={step} /> : null}</span>
        </span>
      </button>
      <Handle type="source" position={direction === "LR" ? Position.Right : Position.Bottom} isConnectable={false} />
    </>
  );
}

function NodeTook({ step }: { step: StepSummary }) {
  if (step.status === "kept" || DIMMED.has(step.status)) return null;
  if (step.duration_ms !== null) return <>{formatDuration(step.duration_ms)}</>;
  return step.started_at ? <Took from={step.started_at} to={step.finished_at} /> : null;
}
