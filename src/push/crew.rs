//! Work under way, within bounds: so many jobs in all, so many for one host, and not all of them for those of whom nothing
//! good is known, so that nobody is delayed by them.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use tokio::task::{Id, JoinSet};

/// Most jobs at once.
const ALL: usize = 128;
/// Of them, for one host.
const OF_HOST: usize = 4;
/// Of them, for those whose last try failed, or who never answered yet.
const DOUBTFUL: usize = 32;

/// What a job is for.
#[derive(Debug, Clone)]
pub struct Job<K> {
    /// What it is about.
    pub key: K,
    /// The host that it calls.
    pub host: String,
    /// Whether its last try failed, or there was none yet.
    pub is_doubtful: bool,
}

/// Jobs that wait, and jobs under way.
pub struct Crew<K, T> {
    waiting: VecDeque<Job<K>>,
    tasks: JoinSet<T>,
    jobs: HashMap<Id, Job<K>>,
    hosts: HashMap<String, usize>,
    doubtful: usize,
}

impl<K: Clone, T: Send + 'static> Crew<K, T> {
    /// Nothing to do.
    pub fn new() -> Self {
        let (waiting, tasks) = (VecDeque::new(), JoinSet::new());
        Self { waiting, tasks, jobs: HashMap::new(), hosts: HashMap::new(), doubtful: 0 }
    }

    /// Lets a job wait for its turn.
    pub fn add(&mut self, job: Job<K>) {
        self.waiting.push_back(job);
    }

    /// Forgets what waits: it is about to be looked at anew.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Takes the jobs whose turn it is.
    pub fn take(&mut self) -> Vec<Job<K>> {
        let mut taken = Vec::new();
        let (mut hosts, mut doubtful) = (self.hosts.clone(), self.doubtful);
        let mut rest = VecDeque::new();
        for job in std::mem::take(&mut self.waiting) {
            let of_host = hosts.get(&job.host).copied().unwrap_or(0);
            let has_room =
                self.jobs.len() + taken.len() < ALL && of_host < OF_HOST && !(job.is_doubtful && doubtful >= DOUBTFUL);
            if has_room {
                *hosts.entry(job.host.clone()).or_default() += 1;
                doubtful += usize::from(job.is_doubtful);
                taken.push(job);
            } else {
                rest.push_back(job);
            }
        }
        self.waiting = rest;
        taken
    }

    /// Begins a job.
    pub fn begin(&mut self, job: Job<K>, work: impl Future<Output = T> + Send + 'static) {
        *self.hosts.entry(job.host.clone()).or_default() += 1;
        self.doubtful += usize::from(job.is_doubtful);
        self.jobs.insert(self.tasks.spawn(work).id(), job);
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// What is under way.
    pub fn under_way(&self) -> impl Iterator<Item = &K> {
        self.jobs.values().map(|job| &job.key)
    }

    /// Waits until something is done, and gives all that is. None came to no end of its own.
    pub async fn done(&mut self) -> Vec<(Job<K>, Option<T>)> {
        let mut done = Vec::new();
        let mut next = self.tasks.join_next_with_id().await;
        while let Some(joined) = next {
            let (id, result) = match joined {
                Ok((id, result)) => (id, Some(result)),
                Err(error) => (error.id(), None),
            };
            if let Some(job) = self.jobs.remove(&id) {
                if let Some(of_host) = self.hosts.get_mut(&job.host) {
                    *of_host -= 1;
                    if *of_host == 0 {
                        self.hosts.remove(&job.host);
                    }
                }
                self.doubtful -= usize::from(job.is_doubtful);
                done.push((job, result));
            }
            next = self.tasks.try_join_next_with_id();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(host: &str, is_doubtful: bool) -> Job<String> {
        Job { key: host.to_owned(), host: host.to_owned(), is_doubtful }
    }

    #[tokio::test]
    async fn neither_one_host_nor_those_that_fail_take_all_places() {
        let mut crew: Crew<String, ()> = Crew::new();
        (0..20).for_each(|_| crew.add(job("slow", false)));
        (0..200).for_each(|n| crew.add(job(&format!("failing{n}"), true)));
        (0..200).for_each(|n| crew.add(job(&format!("well{n}"), false)));
        let taken = crew.take();
        let count = |start: &str| taken.iter().filter(|job| job.host.starts_with(start)).count();
        assert_eq!((count("slow"), count("failing"), count("well")), (OF_HOST, DOUBTFUL, ALL - OF_HOST - DOUBTFUL));
        for job in taken {
            let is_well = job.host.starts_with("well");
            crew.begin(job, async move {
                if !is_well {
                    std::future::pending::<()>().await;
                }
            });
        }
        let mut done = 0;
        while done < 200 {
            done += crew.done().await.len();
            for job in crew.take() {
                assert!(job.host.starts_with("well"), "{}", job.host);
                crew.begin(job, async {});
            }
        }
        assert_eq!(crew.jobs.len(), OF_HOST + DOUBTFUL);
    }
}
