//! Links between numbered glyphs, and the walks that loading needs.
//!
//! Invariants: nodes are `0..len`; every walk is iterative and linear in nodes and links.

use alloc::vec;
use alloc::vec::Vec;

/// Directed links in compressed rows: those of node `n` are `targets[starts[n]..starts[n + 1]]`.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    starts: Vec<usize>,
    targets: Vec<usize>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Graph {
            starts: vec![0],
            targets: Vec::new(),
        }
    }

    /// Adds the next node with its links.
    pub(crate) fn push(&mut self, links: impl Iterator<Item = usize>) {
        self.targets.extend(links);
        self.starts.push(self.targets.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Targets of `node`, in the order they were given.
    pub(crate) fn of(&self, node: usize) -> &[usize] {
        &self.targets[self.starts[node]..self.starts[node + 1]]
    }

    /// The same links the other way round.
    pub(crate) fn reversed(&self) -> Graph {
        let mut starts = vec![0; self.len() + 1];
        for target in &self.targets {
            starts[*target + 1] += 1;
        }
        for node in 0..self.len() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; self.targets.len()];
        for node in 0..self.len() {
            for target in self.of(node) {
                targets[next[*target]] = node;
                next[*target] += 1;
            }
        }
        Graph { starts, targets }
    }

    /// Strongly connected components, each after all that its members lead to.
    ///
    /// Tarjan's algorithm (1972) with an explicit stack.
    pub(crate) fn components(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let mut order = vec![UNSEEN; self.len()];
        let mut low = vec![0; self.len()];
        let mut open = vec![false; self.len()];
        let mut path = Vec::new();
        let mut walk: Vec<(usize, usize)> = Vec::new();
        let mut seen = 0;
        let mut components = Vec::new();
        for root in 0..self.len() {
            if order[root] != UNSEEN {
                continue;
            }
            walk.push((root, 0));
            while let Some((node, link)) = walk.pop() {
                if link == 0 {
                    order[node] = seen;
                    low[node] = seen;
                    seen += 1;
                    open[node] = true;
                    path.push(node);
                } else {
                    let child = self.of(node)[link - 1];
                    if open[child] {
                        low[node] = low[node].min(low[child]);
                    }
                }
                let next = self
                    .of(node)
                    .iter()
                    .enumerate()
                    .skip(link)
                    .find(|(_, child)| {
                        // A child on the path tells how far back this component reaches.
                        if open[**child] {
                            low[node] = low[node].min(order[**child]);
                        }
                        order[**child] == UNSEEN
                    });
                if let Some((position, child)) = next {
                    walk.push((node, position + 1));
                    walk.push((*child, 0));
                } else if low[node] == order[node] {
                    components.push(close(node, &mut path, &mut open));
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
            for target in self.of(node).iter().copied() {
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

/// Takes the component of `root` off the path.
fn close(root: usize, path: &mut Vec<usize>, open: &mut [bool]) -> Vec<usize> {
    let start = path
        .iter()
        .rposition(|node| *node == root)
        .unwrap_or_default();
    let component = path.split_off(start);
    for node in &component {
        open[*node] = false;
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(links: &[&[usize]]) -> Graph {
        let mut graph = Graph::new();
        for row in links {
            graph.push(row.iter().copied());
        }
        graph
    }

    fn sorted(mut components: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        for component in &mut components {
            component.sort_unstable();
        }
        components
    }

    #[test]
    fn components_come_after_what_they_lead_to() {
        // 0 -> 1 <-> 2 -> 3, 4 alone with a loop, 5 -> 0 and 5 -> 3.
        let graph = graph(&[&[1], &[2], &[1, 3], &[], &[4], &[0, 3]]);
        let components = sorted(graph.components());
        assert_eq!(components, [vec![3], vec![1, 2], vec![0], vec![4], vec![5]]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let mut graph = Graph::new();
        graph.push(core::iter::empty());
        for node in 1..200_000 {
            graph.push(core::iter::once(node - 1));
        }
        let components = graph.components();
        assert_eq!(components.len(), 200_000);
        assert!(components.iter().enumerate().all(|(n, c)| c == &[n]));
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
            let mut graph = Graph::new();
            for _ in 0..count {
                let links: Vec<usize> = (0..below(4)).map(|_| below(count as u64)).collect();
                graph.push(links.into_iter());
            }
            let reach = |from: usize| {
                let (mut seen, mut stack) = (vec![false; count], vec![from]);
                while let Some(node) = stack.pop() {
                    for target in graph.of(node) {
                        if !seen[*target] {
                            seen[*target] = true;
                            stack.push(*target);
                        }
                    }
                }
                seen
            };
            let reached: Vec<Vec<bool>> = (0..count).map(reach).collect();
            let components = sorted(graph.components());
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
                    assert!(cycle.windows(2).all(|w| graph.of(w[0]).contains(&w[1])));
                }
            }
        }
    }

    #[test]
    fn reversing_turns_every_link() {
        let reversed = graph(&[&[1, 2], &[2], &[]]).reversed();
        assert_eq!(reversed.of(0), &[] as &[usize]);
        assert_eq!(reversed.of(1), &[0]);
        assert_eq!(reversed.of(2), &[0, 1]);
    }
}
