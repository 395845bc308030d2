import {
  Background,
  BackgroundVariant,
  BaseEdge,
  Controls,
  type Edge,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "@/graph/graph.css";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Graph, StepSummary } from "@/api/contract";
import {
  bestLayout,
  type Direction,
  edgeId,
  inRunOrder,
  NODE_HEIGHT,
  NODE_WIDTH,
  neighbour,
  softPath,
} from "@/pure/graph";
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
  onSelect: (step: string) => void;
}

interface StepData extends Record<string, unknown> {
  name: string;
  kind: string;
  effect: string;
  step: StepSummary | undefined;
  selected: boolean;
  direction: Direction;
  onSelect: (step: string) => void;
}

const NODE_TYPES = { step: StepNode };
const EDGE_TYPES = { way: WayEdge };
/** Never so small that names cannot be read: what does not fit then is reached by dragging. */
const FIT = { padding: 0.1, minZoom: 0.6, maxZoom: 1.1 };
/** As high as its content asks for, within these: a small graph leaves the page to what stands below it. */
const HEIGHTS = { least: 180, most: 420 };
const DIMMED = new Set(["not_reached", "pending"]);

export function RunGraph(shown: Shown) {
  return (
    <ReactFlowProvider>
      <Canvas {...shown} />
    </ReactFlowProvider>
  );
}

function Canvas({ nodes, edges, steps = [], selected, onSelect }: Shown) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const layout = useMemo(() => bestLayout(nodes, edges, { width, height: HEIGHTS.most }), [nodes, edges, width]);
  const height = heightFor(layout, width);
  const { fitView } = useReactFlow();
  // The drawer opens beside the graph and takes room from it; everything stays in sight. The canvas measures itself, and
  // fits into what it has measured last: once more when it knows its new size.
  const measured = useStore((canvas) => `${canvas.width} ${canvas.height}`);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new layout or size is the reason to fit again
  useEffect(() => void fitView(FIT), [layout, measured, fitView]);
  const flowNodes: Node<StepData>[] = inRunOrder(nodes, edges).map((node) => {
    const box = layout.boxes.find((each) => each.name === node.name);
    const step = steps.find((each) => each.name === node.name);
    return {
      id: node.name,
      type: "step",
      position: { x: box?.x ?? 0, y: box?.y ?? 0 },
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      data: { ...node, step, selected: node.name === selected, direction: layout.direction, onSelect },
    };
  });
  const flowEdges: Edge[] = edges.map((edge) => ({
    id: edgeId(edge),
    type: "way",
    data: { path: softPath(layout.ways.get(edgeId(edge)) ?? [], layout.direction) },
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
    <div ref={frame} className="shrink-0" style={{ height }} onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={flowNodes}
        edges={flowEdges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        aria-label="Graph of the steps"
        fitView
        fitViewOptions={FIT}
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
        <Controls showInteractive={false} position="top-right" />
      </ReactFlow>
    </div>
  );
}

function heightFor(layout: { width: number; height: number }, width: number): number {
  const room = 1 + FIT.padding;
  const scale = Math.max(FIT.minZoom, Math.min(FIT.maxZoom, width / room / layout.width));
  return Math.round(Math.max(HEIGHTS.least, Math.min(HEIGHTS.most, layout.height * scale * room)));
}

function useWidth(frame: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(1200);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(entry.contentRect.width);
    });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [frame]);
  return width;
}

function WayEdge({ data, markerEnd }: EdgeProps<Edge<{ path: string }>>) {
  return <BaseEdge path={data?.path ?? ""} {...(markerEnd ? { markerEnd } : {})} />;
}

function StepNode({ data }: NodeProps<Node<StepData>>) {
  const { name, kind, effect, step, selected, direction, onSelect } = data;
  const look = step
    ? lookOf(step.status)
    : { word: kind === "call" ? "step" : kind.replace("_", " "), tone: "off" as const, glyph: "ring" as const };
  const word = step && step.attempts > 1 ? `${look.word} ×${step.attempts}` : look.word;
  return (
    <>
      <Handle type="target" position={direction === "LR" ? Position.Left : Position.Top} isConnectable={false} />
      <button
        type="button"
        data-step={name}
        aria-pressed={selected}
        title={step?.waiting ?? step?.error_message ?? name}
        onClick={() => onSelect(name)}
        className={`nopan pointer-events-auto flex h-full w-full flex-col justify-center gap-0.5 rounded-md border px-3 text-left hover:border-line-strong aria-pressed:border-accent aria-pressed:ring-2 aria-pressed:ring-accent-line ${frameOf(step)}`}
      >
        <span className="flex items-center gap-1.5">
          <span className="truncate font-semibold text-sm">{name}</span>
          {step && kind === "on_failure" ? <span className="ml-auto text-2xs text-ink-soft">on failure</span> : null}
          {step?.edited ? <span className="ml-auto text-2xs text-accent">edited</span> : null}
          {effect === "irreversible" ? (
            <span className="ml-auto text-2xs text-wait" title="This step is declared irreversible">
              irreversible
            </span>
          ) : null}
        </span>
        <span className={`flex items-center gap-1.5 text-xs ${TONE_TEXT[look.tone]}`}>
          <Glyph name={look.glyph} className="size-3" />
          {word}
          <span className="ml-auto font-mono text-2xs text-ink-faint">{step ? <NodeTook step={step} /> : null}</span>
        </span>
      </button>
      <Handle type="source" position={direction === "LR" ? Position.Right : Position.Bottom} isConnectable={false} />
    </>
  );
}

function frameOf(step: StepSummary | undefined): string {
  if (step?.status === "failed") return "border-bad-line bg-bad-soft";
  if (step?.status === "kept") return "border-accent-line bg-accent-soft";
  return step && DIMMED.has(step.status) ? "border-line border-dashed bg-surface" : "border-line bg-surface";
}

function NodeTook({ step }: { step: StepSummary }) {
  if (step.status === "kept" || DIMMED.has(step.status)) return null;
  if (step.duration_ms !== null) return <>{formatDuration(step.duration_ms)}</>;
  return step.started_at ? <Took from={step.started_at} to={step.finished_at} /> : null;
}
