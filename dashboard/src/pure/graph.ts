/** Where the steps of a graph stand. Pure, so that it can be tested without a canvas. */

import dagre from "@dagrejs/dagre";

export interface GraphNode {
  name: string;
}

export interface GraphEdge {
  source: string;
  target: string;
  /** False for an order-only edge that carries no result. */
  data: boolean;
}

export interface Box {
  name: string;
  /** Top left corner, in pixels. */
  x: number;
  y: number;
  /** How many steps come before it on the longest way; 0 for a first step. */
  rank: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  boxes: Box[];
  /** The way of each edge around the boxes that are not its own, by `edgeId`. */
  ways: Map<string, Point[]>;
  width: number;
  height: number;
}

export type Direction = "LR" | "TB";

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 54;

export function layoutGraph(nodes: readonly GraphNode[], edges: readonly GraphEdge[], direction: Direction): Layout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: direction === "LR" ? 60 : 42, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const edge of edges) graph.setEdge(edge.source, edge.target);
  dagre.layout(graph);
  const ranks = ranksOf(nodes, edges);
  const boxes = nodes.map(({ name }) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return { name, x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2, rank: ranks.get(name) ?? 0 };
  });
  const box = (name: string) => boxes.find((each) => each.name === name);
  const ways = new Map(
    edges.map((edge) => {
      const { points = [] } = graph.edge(edge.source, edge.target) as { points?: Point[] };
      // The layout's own ends lie anywhere on a box's border. Of what lies between, every second point is the middle of
      // a rank that the edge crosses: there it goes straight, and it bends in the gaps.
      const between = points.slice(2, -2).filter((_, index) => index % 2 === 0);
      const straight = between.flatMap((point) => across(point, direction));
      return [edgeId(edge), [exit(box(edge.source), direction), ...straight, entry(box(edge.target), direction)]];
    }),
  );
  const { width, height } = graph.graph() as { width?: number; height?: number };
  return { boxes, ways, width: width ?? 0, height: height ?? 0 };
}

function across({ x, y }: Point, direction: Direction): Point[] {
  const [dx, dy] = direction === "LR" ? [NODE_WIDTH / 2, 0] : [0, NODE_HEIGHT / 2];
  return [
    { x: x - dx, y: y - dy },
    { x: x + dx, y: y + dy },
  ];
}

function exit(box: Box | undefined, direction: Direction): Point {
  const { x, y } = box ?? { x: 0, y: 0 };
  return direction === "LR"
    ? { x: x + NODE_WIDTH, y: y + NODE_HEIGHT / 2 }
    : { x: x + NODE_WIDTH / 2, y: y + NODE_HEIGHT };
}

function entry(box: Box | undefined, direction: Direction): Point {
  const { x, y } = box ?? { x: 0, y: 0 };
  return direction === "LR" ? { x, y: y + NODE_HEIGHT / 2 } : { x: x + NODE_WIDTH / 2, y };
}

export function edgeId(edge: Pick<GraphEdge, "source" | "target">): string {
  return `${edge.source} ${edge.target}`;
}

/** From left to right, unless that makes the picture markedly smaller in its frame than from top to bottom. */
export function bestLayout(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  frame: { width: number; height: number },
): Layout & { direction: Direction } {
  const across = layoutGraph(nodes, edges, "LR");
  const down = layoutGraph(nodes, edges, "TB");
  const scale = (layout: Layout) => Math.min(1, frame.width / layout.width, frame.height / layout.height);
  return scale(down) > 1.2 * scale(across) ? { ...down, direction: "TB" } : { ...across, direction: "LR" };
}

/** A soft line through the points, as an SVG path that leaves and enters each of them in the direction of the graph. */
export function softPath(points: readonly Point[], direction: Direction): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let from = first;
  const bends = rest.map((to) => {
    const middle = direction === "LR" ? (from.x + to.x) / 2 : (from.y + to.y) / 2;
    const bend = direction === "LR" ? `${middle} ${from.y} ${middle} ${to.y}` : `${from.x} ${middle} ${to.x} ${middle}`;
    from = to;
    return `C ${bend} ${to.x} ${to.y}`;
  });
  return [`M ${first.x} ${first.y}`, ...bends].join(" ");
}

/** Longest way from a first step. A definition is acyclic; a cycle in a broken one ends instead of looping. */
export function ranksOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Map<string, number> {
  const ranks = new Map(nodes.map(({ name }) => [name, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { source, target } of edges) {
      const rank = (ranks.get(source) ?? 0) + 1;
      if (rank > (ranks.get(target) ?? 0)) {
        ranks.set(target, rank);
        moved = true;
      }
    }
    if (!moved) break;
  }
  return ranks;
}

/** The order in which steps can run, for lists: by rank, then as declared. */
export function inRunOrder<N extends GraphNode>(nodes: readonly N[], edges: readonly GraphEdge[]): N[] {
  const ranks = ranksOf(nodes, edges);
  return [...nodes].sort((left, right) => (ranks.get(left.name) ?? 0) - (ranks.get(right.name) ?? 0));
}

/** Every step that comes after one of these, these included: what a replay from them runs. */
export function downstream(starts: readonly string[], edges: readonly GraphEdge[]): Set<string> {
  const found = new Set(starts);
  const open = [...starts];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const { source, target } of edges) {
      if (source !== here || found.has(target)) continue;
      found.add(target);
      open.push(target);
    }
  }
  return found;
}

/** The step to select when an arrow key is pressed in the graph: the nearest one in that direction. */
export function neighbour(boxes: readonly Box[], from: string, key: string): string | null {
  const here = boxes.find((box) => box.name === from);
  const direction = DIRECTIONS[key];
  if (!here || !direction) return boxes[0]?.name ?? null;
  const [dx, dy] = direction;
  const ahead = boxes
    .map((box) => ({
      box,
      along: (box.x - here.x) * dx + (box.y - here.y) * dy,
      across: Math.abs((box.x - here.x) * dy) + Math.abs((box.y - here.y) * dx),
    }))
    .filter(({ along }) => along > 1)
    .sort((left, right) => left.along + 2 * left.across - (right.along + 2 * right.across));
  return ahead[0]?.box.name ?? from;
}

const DIRECTIONS: Record<string, [number, number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};
