//! Runs cases, some at a time, and tells how each one went.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Case, Failure, Place, Shipped};

/// How the cases went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
}

impl Summary {
    /// Whether there was something to run and all of it passed.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    fn count(&mut self, result: &Result<(), Failure>) {
        match result {
            Ok(()) => self.passed = self.passed.saturating_add(1),
            Err(_) => self.failed = self.failed.saturating_add(1),
        }
    }
}

/// Runs `cases`, at most `jobs` at a time, logs under `folder`; `tell` gets one text per case.
///
/// # Errors
/// The system's error if the folder for the logs cannot be made. A failed case is no error here.
pub fn run(
    cases: &[Case],
    shipped: &Shipped,
    folder: &Path,
    jobs: NonZeroUsize,
    tell: &(dyn Fn(&str) + Sync),
) -> io::Result<Summary> {
    fs::create_dir_all(folder)?;
    let next = AtomicUsize::new(0);
    let summary = Mutex::new(Summary::default());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let place = Place::new(&case.name, folder, shipped);
            let started = Instant::now();
            let result = case.run(&place);
            tell(&report(case, &place, &result, started.elapsed()));
            // A poisoned lock means that another worker panicked, which the scope passes on.
            if let Ok(mut summary) = summary.lock() {
                summary.count(&result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(work);
        }
    });
    summary
        .into_inner()
        .map_err(|_| io::Error::other("a worker panicked"))
}

fn report(case: &Case, place: &Place<'_>, result: &Result<(), Failure>, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match result {
        Ok(()) => format!("pass {seconds:6.1} s  {}", case.name),
        Err(failure) => format!(
            "FAIL {seconds:6.1} s  {}: {failure}; its log: {}",
            case.name,
            place.log().display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn run_cases(cases: &[Case]) -> (Summary, Vec<String>) {
        let directory = qemu::RunDirectory::new().unwrap();
        let none = PathBuf::new();
        let shipped = Shipped {
            kernel: none.clone(),
            ramdisk: none.clone(),
            vault_key: none.clone(),
            iso: none.clone(),
            expected: none.clone(),
            glyphctl: none,
        };
        let told = Mutex::new(Vec::new());
        let jobs = NonZeroUsize::new(2).unwrap();
        let tell = |text: &str| told.lock().unwrap().push(text.to_owned());
        let summary = run(cases, &shipped, directory.path(), jobs, &tell).unwrap();
        (summary, told.into_inner().unwrap())
    }

    #[test]
    fn every_case_is_run_once_and_told_once() {
        let cases: Vec<Case> = (0..9)
            .map(|index| {
                Case::new(format!("case-{index}"), move |_| match index % 3 {
                    0 => Err(Failure::Wrong("on purpose".to_owned())),
                    _ => Ok(()),
                })
            })
            .collect();
        let (summary, mut told) = run_cases(&cases);
        assert_eq!(
            summary,
            Summary {
                passed: 6,
                failed: 3
            }
        );
        assert!(!summary.is_green());
        told.sort();
        assert_eq!(told.len(), 9);
        assert!(told.iter().filter(|line| line.starts_with("FAIL")).count() == 3);
        assert!(
            told.iter()
                .any(|line| line.contains("case-0: on purpose; its log: "))
        );
    }

    #[test]
    fn nothing_run_is_not_green() {
        assert!(!run_cases(&[]).0.is_green());
        assert!(run_cases(&[Case::new("one", |_| Ok(()))]).0.is_green());
    }
}
