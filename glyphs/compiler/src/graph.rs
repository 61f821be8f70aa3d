//! Links between numbered glyphs, and the walks that loading needs.
//!
//! Invariants: nodes are `0..len`; every walk is iterative and linear in nodes and links.

use crate::program::position;
use crate::steps::{self, Step};
use alloc::vec;
use alloc::vec::Vec;

/// Directed links in compressed rows: those of node `n` are `targets[starts[n]..starts[n + 1]]`.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Graph {
    /// No node yet, and room for `nodes` of them.
    pub(crate) fn with_capacity(nodes: usize) -> Self {
        let mut starts = Vec::with_capacity(nodes + 1);
        starts.push(0);
        Graph {
            starts,
            targets: Vec::new(),
        }
    }

    /// Adds the next node with its links.
    pub(crate) fn push(&mut self, links: impl Iterator<Item = usize>) {
        self.targets.extend(links.map(position));
        self.starts.push(position(self.targets.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Targets of `node`, in the order they were given.
    pub(crate) fn of(&self, node: usize) -> impl ExactSizeIterator<Item = usize> + Clone {
        let row = self.starts[node] as usize..self.starts[node + 1] as usize;
        self.targets[row].iter().map(|target| *target as usize)
    }

    /// The same links the other way round.
    pub(crate) fn reversed(&self) -> Graph {
        let mut starts = vec![0; self.len() + 1];
        for target in &self.targets {
            starts[*target as usize + 1] += 1;
        }
        for node in 0..self.len() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; self.targets.len()];
        for node in 0..self.len() {
            for target in self.of(node) {
                targets[next[target] as usize] = position(node);
                next[target] += 1;
            }
        }
        Graph { starts, targets }
    }

    /// Strongly connected components, each after all that its members lead to.
    ///
    /// Tarjan's algorithm (1972) with an explicit stack.
    pub(crate) fn components(&self) -> Components {
        const UNSEEN: u32 = u32::MAX;
        let mut order = vec![UNSEEN; self.len()];
        let mut low = vec![0; self.len()];
        let mut open = vec![false; self.len()];
        let mut path = Vec::new();
        let mut walk: Vec<(usize, usize)> = Vec::new();
        let mut seen = 0;
        let mut components = Components::with_capacity(self.len());
        for root in 0..self.len() {
            if order[root] != UNSEEN {
                continue;
            }
            walk.push((root, 0));
            while let Some((node, link)) = walk.pop() {
                steps::count(Step::Visit);
                if link == 0 {
                    order[node] = seen;
                    low[node] = seen;
                    seen += 1;
                    open[node] = true;
                    path.push(node);
                } else if let Some(child) = self.of(node).nth(link - 1)
                    && open[child]
                {
                    low[node] = low[node].min(low[child]);
                }
                let next = self.of(node).enumerate().skip(link).find(|(_, child)| {
                    // A child on the path tells how far back this component reaches.
                    if open[*child] {
                        low[node] = low[node].min(order[*child]);
                    }
                    order[*child] == UNSEEN
                });
                if let Some((link, child)) = next {
                    walk.push((node, link + 1));
                    walk.push((child, 0));
                } else if low[node] == order[node] {
                    components.close(node, &mut path, &mut open);
                }
            }
        }
        components
    }

    /// A shortest way from `start` back to itself, both ends named, if there is one.
    ///
    /// `inside` tells which nodes may be passed; `before` is scratch of one entry per node that
    /// must be `usize::MAX` for every node inside.
    pub(crate) fn cycle_through(
        &self,
        start: usize,
        inside: impl Fn(usize) -> bool,
        before: &mut [usize],
    ) -> Option<Vec<usize>> {
        let mut queue = vec![start];
        let mut head = 0;
        while let Some(node) = queue.get(head).copied() {
            head += 1;
            for target in self.of(node) {
                if target == start {
                    let mut cycle = vec![start, node];
                    let mut at = node;
                    while at != start {
                        at = before[at];
                        cycle.push(at);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if inside(target) && before[target] == usize::MAX {
                    before[target] = node;
                    queue.push(target);
                }
            }
        }
        None
    }
}

/// Nodes in groups, one after the other: group `n` is `nodes[ends[n - 1]..ends[n]]`.
#[derive(Debug)]
pub(crate) struct Components {
    nodes: Vec<u32>,
    ends: Vec<u32>,
}

impl Components {
    fn with_capacity(nodes: usize) -> Self {
        Components {
            nodes: Vec::with_capacity(nodes),
            ends: Vec::with_capacity(nodes),
        }
    }

    /// Takes the component of `root` off the path.
    fn close(&mut self, root: usize, path: &mut Vec<usize>, open: &mut [bool]) {
        let start = path.iter().rposition(|node| *node == root);
        for node in path.drain(start.unwrap_or_default()..) {
            open[node] = false;
            self.nodes.push(position(node));
        }
        self.ends.push(position(self.nodes.len()));
    }

    /// The components in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone> {
        let starts = core::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| {
            let nodes = &self.nodes[*start as usize..*end as usize];
            nodes.iter().map(|node| *node as usize)
        })
    }

    /// All nodes, component after component.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().map(|node| *node as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(links: &[&[usize]]) -> Graph {
        let mut graph = Graph::with_capacity(0);
        for row in links {
            graph.push(row.iter().copied());
        }
        graph
    }

    fn sorted(components: &Components) -> Vec<Vec<usize>> {
        let sorted = components.iter().map(|component| {
            let mut nodes: Vec<usize> = component.collect();
            nodes.sort_unstable();
            nodes
        });
        sorted.collect()
    }

    #[test]
    fn components_come_after_what_they_lead_to() {
        // 0 -> 1 <-> 2 -> 3, 4 alone with a loop, 5 -> 0 and 5 -> 3.
        let graph = graph(&[&[1], &[2], &[1, 3], &[], &[4], &[0, 3]]);
        let components = sorted(&graph.components());
        assert_eq!(components, [vec![3], vec![1, 2], vec![0], vec![4], vec![5]]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let mut graph = Graph::with_capacity(0);
        graph.push(core::iter::empty());
        for node in 1..200_000 {
            graph.push(core::iter::once(node - 1));
        }
        let components = graph.components();
        assert_eq!(components.iter().count(), 200_000);
        assert!(components.iter().enumerate().all(|(n, c)| c.eq([n])));
    }

    #[test]
    fn components_agree_with_plain_reachability_on_random_graphs() {
        let mut seed = 7_u64;
        let mut below = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            usize::try_from((seed >> 33) % bound).unwrap()
        };
        for _ in 0..300 {
            let count = 1 + below(9);
            let mut graph = Graph::with_capacity(0);
            for _ in 0..count {
                let links: Vec<usize> = (0..below(4)).map(|_| below(count as u64)).collect();
                graph.push(links.into_iter());
            }
            let reach = |from: usize| {
                let (mut seen, mut stack) = (vec![false; count], vec![from]);
                while let Some(node) = stack.pop() {
                    for target in graph.of(node) {
                        if !seen[target] {
                            seen[target] = true;
                            stack.push(target);
                        }
                    }
                }
                seen
            };
            let reached: Vec<Vec<bool>> = (0..count).map(reach).collect();
            let components = sorted(&graph.components());
            let mut place = vec![0; count];
            for (position, component) in components.iter().enumerate() {
                for node in component {
                    place[*node] = position;
                }
            }
            for a in 0..count {
                for b in 0..count {
                    let together = a == b || (reached[a][b] && reached[b][a]);
                    assert_eq!(place[a] == place[b], together, "{graph:?}");
                    assert!(!reached[a][b] || place[b] <= place[a], "{graph:?}");
                }
                let mut before = vec![usize::MAX; count];
                let cycle = graph.cycle_through(a, |_| true, &mut before);
                assert_eq!(cycle.is_some(), reached[a][a], "{graph:?}");
                if let Some(cycle) = cycle {
                    assert_eq!((cycle[0], cycle[cycle.len() - 1]), (a, a));
                    assert!(
                        cycle
                            .windows(2)
                            .all(|w| graph.of(w[0]).any(|target| target == w[1]))
                    );
                }
            }
        }
    }

    #[test]
    fn reversing_turns_every_link() {
        let reversed = graph(&[&[1, 2], &[2], &[]]).reversed();
        assert!(reversed.of(0).eq([]));
        assert!(reversed.of(1).eq([0]));
        assert!(reversed.of(2).eq([0, 1]));
    }
}
