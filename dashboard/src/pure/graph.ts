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

export interface Layout {
  boxes: Box[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 54;

export function layoutGraph(nodes: readonly GraphNode[], edges: readonly GraphEdge[], direction: "LR" | "TB"): Layout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: direction === "LR" ? 52 : 38, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const edge of edges) graph.setEdge(edge.source, edge.target);
  dagre.layout(graph);
  const ranks = ranksOf(nodes, edges);
  const boxes = nodes.map(({ name }) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return { name, x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2, rank: ranks.get(name) ?? 0 };
  });
  const { width, height } = graph.graph() as { width?: number; height?: number };
  return { boxes, width: width ?? 0, height: height ?? 0 };
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
