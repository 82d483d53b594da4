//! The bucket, against objects in memory: what is asked for, what is left alone, and what holds wherever it is cut.
//! Against a real service: `tests/it/bucket.rs`.

use super::{Bucket, Manifest, manifest};
use crate::export::tests::{document, on_demand, wanted};
use crate::export::{Report, Wanted};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attribute, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use proptest::prelude::{
    ProptestConfig, Strategy, TestCaseError, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Objects in memory that write down each request, and can let one and all after it hang.
#[derive(Debug, Default)]
struct Trial {
    inner: Arc<InMemory>,
    asked: Mutex<Vec<String>>,
    /// How many requests are answered; whether the next is done all the same, and its answer lost.
    left: Mutex<Option<(usize, bool)>>,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects in memory")
    }
}

impl Trial {
    async fn ask<T>(&self, what: String, answer: impl Future<Output = T>) -> T {
        self.asked.lock().unwrap().push(what);
        let (is_done, is_answered) = {
            let mut left = self.left.lock().unwrap();
            match &mut *left {
                None => (true, true),
                Some((0, is_done)) => (std::mem::take(is_done), false),
                Some((left, _)) => {
                    *left -= 1;
                    (true, true)
                }
            }
        };
        // Another process may come between.
        tokio::task::yield_now().await;
        if !is_done {
            std::future::pending::<()>().await;
        }
        let answer = answer.await;
        if !is_answered {
            std::future::pending::<()>().await;
        }
        answer
    }

    /// The requests since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// All objects but the list: text, and what it says of itself.
    async fn there(&self) -> BTreeMap<String, (String, Option<String>)> {
        let mut there = BTreeMap::new();
        let mut listed = self.inner.list(None);
        while let Some(object) = listed.next().await {
            let path = object.unwrap().location;
            let found = self.inner.get(&path).await.unwrap();
            let print = found.attributes.get(&Attribute::Metadata("crieur".into())).map(|v| v.as_ref().to_owned());
            let text = String::from_utf8(found.bytes().await.unwrap().to_vec()).unwrap();
            there.insert(path.to_string(), (text, print));
        }
        there.remove(&format!("flux/{}", manifest::NAME));
        there
    }

    async fn manifest(&self) -> Manifest {
        match self.inner.get(&Path::from(format!("flux/{}", manifest::NAME))).await {
            Ok(found) => Manifest::parse(&found.bytes().await.unwrap()).unwrap(),
            Err(_) => Manifest::default(),
        }
    }

    async fn foreign(&self, path: &str, text: &str) {
        self.inner.put(&Path::from(path), text.to_owned().into()).await.unwrap();
    }
}

#[async_trait]
impl ObjectStore for Trial {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.ask(format!("PUT {path}"), self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let verb = if options.head { "HEAD" } else { "GET" };
        self.ask(format!("{verb} {path}"), self.inner.get_opts(path, options)).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.asked.lock().unwrap().push("DELETE".to_owned());
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.asked.lock().unwrap().push("LIST".to_owned());
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn bucket(trial: &Arc<Trial>) -> Bucket {
    Bucket::over(Arc::clone(trial) as Arc<dyn ObjectStore>, "s3://essai/flux", "flux", false)
}

fn done(report: &Report) -> (usize, usize, usize) {
    assert_eq!(report.troubles, []);
    (report.changed, report.kept, report.removed)
}

#[tokio::test]
async fn only_what_changed_is_written_and_nothing_is_asked_when_nothing_is() {
    let trial = Arc::new(Trial::default());
    let mut one = bucket(&trial);
    let first = wanted(&[("/a.rss", "un"), ("/b.rss", "deux")]);
    assert_eq!(done(&one.export(&first).await), (2, 0, 0));
    let asked = ["GET flux/L", "LIST", "PUT flux/L", "PUT flux/a.rss", "PUT flux/b.rss", "PUT flux/L"];
    assert_eq!(
        trial.asked(),
        asked.map(|what| what.replace('L', manifest::NAME).replace(&format!("{}IST", manifest::NAME), "LIST"))
    );
    assert_eq!(done(&one.export(&first).await), (0, 2, 0));
    assert_eq!(trial.asked(), [""; 0]);
    // A new process: the list and a look are enough.
    assert_eq!(done(&bucket(&trial).export(&first).await), (0, 2, 0));
    assert_eq!(trial.asked().len(), 2);
    assert_eq!(done(&one.export(&wanted(&[("/a.rss", "un")])).await), (0, 1, 1));
    assert_eq!(trial.asked().iter().filter(|what| what.starts_with("PUT flux/a")).count(), 0);
    assert_eq!(trial.there().await.keys().collect::<Vec<_>>(), ["flux/a.rss"]);
}

#[tokio::test]
async fn without_a_list_or_with_a_damaged_one_the_objects_themselves_are_asked() {
    for damage in [None, Some("{\"form\":1,\"objects\":{\"a")] {
        let trial = Arc::new(Trial::default());
        trial.foreign("flux/theirs.txt", "theirs").await;
        trial.foreign("flux/c.rss", "not ours").await;
        trial.foreign("fluxes/x", "of a neighbour").await;
        bucket(&trial).export(&wanted(&[("/a.rss", "un"), ("/b.rss", "deux"), ("/old.rss", "x")])).await;
        let list = Path::from(format!("flux/{}", manifest::NAME));
        match damage {
            None => trial.inner.delete(&list).await.unwrap(),
            Some(text) => drop(trial.inner.put(&list, text.into()).await.unwrap()),
        }
        trial.asked();
        let all = wanted(&[("/a.rss", "un"), ("/b.rss", "changed"), ("/c.rss", "trois")]);
        let report = bucket(&trial).export(&all).await;
        assert_eq!((done(&report), report.replaced), ((2, 1, 0), 1));
        let there = trial.there().await;
        assert_eq!(there["flux/old.rss"].0, "x", "who is on no list is not removed");
        assert_eq!(there["flux/theirs.txt"].0, "theirs");
        assert_eq!(there["fluxes/x"].0, "of a neighbour");
        assert_eq!(trial.manifest().await.objects.keys().collect::<Vec<_>>(), ["a.rss", "b.rss", "c.rss"]);
    }
}

#[tokio::test]
async fn what_somebody_else_put_in_an_objects_place_is_not_removed() {
    let trial = Arc::new(Trial::default());
    let mut one = bucket(&trial);
    one.export(&wanted(&[("/a.rss", "un"), ("/b.rss", "deux")])).await;
    trial.foreign("flux/b.rss", "theirs").await;
    assert_eq!(done(&one.export(&wanted(&[("/a.rss", "un")])).await), (0, 1, 0));
    assert_eq!(trial.there().await["flux/b.rss"].0, "theirs");
    assert_eq!(trial.manifest().await.objects.keys().collect::<Vec<_>>(), ["a.rss"]);
}

#[tokio::test]
async fn what_is_deleted_or_changed_by_others_is_put_right_at_the_next_look() {
    let trial = Arc::new(Trial::default());
    let mut one = bucket(&trial);
    let all = wanted(&[("/a.rss", "un"), ("/b.rss", "deux")]);
    one.export(&all).await;
    trial.inner.delete(&Path::from("flux/a.rss")).await.unwrap();
    trial.foreign("flux/b.rss", "theirs").await;
    one.forget();
    assert_eq!(done(&one.export(&all).await), (2, 0, 0));
    assert_eq!(trial.there().await["flux/b.rss"].0, "deux");
}

#[tokio::test]
async fn two_processes_at_once_neither_fight_nor_lose_an_object() {
    let trial = Arc::new(Trial::default());
    let (mut one, mut two) = (bucket(&trial), bucket(&trial));
    let (first, second) =
        (wanted(&[("/a.rss", "un"), ("/b.rss", "deux")]), wanted(&[("/a.rss", "un"), ("/c.rss", "c")]));
    let (a, b) = tokio::join!(one.export(&first), two.export(&second));
    assert_eq!((a.troubles.len(), b.troubles.len()), (0, 0), "{a:?} {b:?}");
    // Both come to see the same.
    let all = wanted(&[("/a.rss", "un"), ("/b.rss", "deux"), ("/c.rss", "c")]);
    let (a, b) = tokio::join!(one.export(&all), two.export(&all));
    assert_eq!((a.troubles.len(), b.troubles.len()), (0, 0), "{a:?} {b:?}");
    assert_eq!(trial.there().await.len(), 3);
    assert_eq!(trial.manifest().await.objects.len(), 3);
    trial.asked();
    // One sees a change before the other: it stays, whatever else the other writes.
    let later = wanted(&[("/a.rss", "UN"), ("/b.rss", "deux"), ("/c.rss", "c")]);
    assert_eq!(done(&one.export(&later).await).0, 1);
    assert_eq!(done(&two.export(&wanted(&[("/a.rss", "un"), ("/b.rss", "deux"), ("/c.rss", "C")])).await).0, 1);
    let there = trial.there().await;
    assert_eq!((&*there["flux/a.rss"].0, &*there["flux/c.rss"].0), ("UN", "C"));
    let all = wanted(&[("/a.rss", "UN"), ("/b.rss", "deux"), ("/c.rss", "C")]);
    trial.asked();
    assert_eq!((done(&one.export(&all).await).0, done(&two.export(&all).await).0), (0, 0));
    assert!(!trial.asked().iter().any(|what| what.ends_with(".rss") && what.starts_with("PUT")));
}

#[tokio::test]
async fn what_is_on_demand_is_made_only_if_the_bucket_does_not_have_it() {
    let trial = Arc::new(Trial::default());
    let count = Arc::new(AtomicUsize::new(0));
    let made = || count.swap(0, Ordering::Relaxed);
    let two = [("/a/1.rss", Some("un")), ("/a/2.rss", Some("deux"))];
    let mut one = bucket(&trial);
    assert_eq!((done(&one.export(&on_demand(&two, &count)).await), made()), ((2, 0, 0), 2));
    assert_eq!((done(&one.export(&on_demand(&two, &count)).await), made()), ((0, 2, 0), 0));
    assert_eq!((done(&bucket(&trial).export(&on_demand(&two, &count)).await), made()), ((0, 2, 0), 0));
    // Without the list they are made to be compared, and not written.
    trial.inner.delete(&Path::from(format!("flux/{}", manifest::NAME))).await.unwrap();
    trial.asked();
    assert_eq!((done(&bucket(&trial).export(&on_demand(&two, &count)).await), made()), ((0, 2, 0), 2));
    assert!(!trial.asked().iter().any(|what| what.starts_with("PUT") && what.ends_with(".rss")));
    assert_eq!((done(&bucket(&trial).export(&on_demand(&two, &count)).await), made()), ((0, 2, 0), 0));
    let report = bucket(&trial).export(&on_demand(&[("/a/1.rss", None), ("/a/2.rss", Some("x"))], &count)).await;
    assert_eq!((report.changed, report.removed, report.troubles.len()), (1, 0, 1), "{report:?}");
    assert_eq!(trial.there().await["flux/a/1.rss"].0, "un");
    // What is left out of a part is not removed.
    assert_eq!(done(&bucket(&trial).export(&wanted(&[("/b.rss", "x")]).partial()).await), (1, 0, 0));
    assert_eq!(done(&bucket(&trial).export(&wanted(&[("/b.rss", "x")])).await), (0, 1, 2));
}

/// What happens to a bucket, one after the other.
#[derive(Debug, Clone)]
enum Event {
    /// Exports of these contents by two processes at once, all requests after so many hanging until they are killed.
    Export { contents: [BTreeMap<usize, usize>; 2], cut: Option<(usize, bool)>, is_new: bool },
    /// Somebody else writes an object.
    Foreign { name: usize },
    /// Somebody removes an object.
    Removed { name: usize },
}

const NAMES: [&str; 5] = ["a.rss", "b.rss", "feeds/all.rss", "feeds/tag/cloud.rss", "theirs.txt"];

fn contents() -> impl Strategy<Value = BTreeMap<usize, usize>> {
    proptest::collection::btree_map(0..NAMES.len() - 1, 0..3usize, 0..NAMES.len())
}

fn event() -> impl Strategy<Value = Event> {
    let cut = proptest::option::of((0..25usize, any::<bool>()));
    prop_oneof![
        6 => (contents(), contents(), cut, any::<bool>())
            .prop_map(|(one, two, cut, is_new)| Event::Export { contents: [one, two], cut, is_new }),
        1 => (0..NAMES.len()).prop_map(|name| Event::Foreign { name }),
        1 => (0..NAMES.len()).prop_map(|name| Event::Removed { name }),
    ]
}

fn set(contents: &BTreeMap<usize, usize>) -> Wanted {
    let text = |name: usize, version: usize| format!("{} version {version}", NAMES[name]);
    let documents = contents
        .iter()
        .map(|(name, version)| (NAMES[*name], document(NAMES[*name], &text(*name, *version), 1_700_000_000)));
    Wanted::new(documents)
}

/// Lets a future go as far as it goes without waiting for anybody.
async fn as_far_as_it_goes<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    for _ in 0..400 {
        if let Some(done) = future.as_mut().now_or_never() {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

async fn holds(events: Vec<Event>, last: BTreeMap<usize, usize>) -> std::result::Result<(), TestCaseError> {
    let trial = Arc::new(Trial::default());
    let mut theirs: BTreeMap<String, String> = BTreeMap::new();
    let mut living = [bucket(&trial), bucket(&trial)];
    for event in events {
        let mut touched: Vec<usize> = Vec::new();
        match event {
            Event::Foreign { name } => {
                trial.foreign(&format!("flux/{}", NAMES[name]), "theirs").await;
                theirs.insert(format!("flux/{}", NAMES[name]), "theirs".to_owned());
            }
            Event::Removed { name } => {
                let _ = trial.inner.delete(&Path::from(format!("flux/{}", NAMES[name]))).await;
                theirs.remove(&format!("flux/{}", NAMES[name]));
            }
            Event::Export { contents, cut, is_new } => {
                if is_new {
                    living = [bucket(&trial), bucket(&trial)];
                }
                *trial.left.lock().unwrap() = cut;
                touched.extend(contents.iter().flat_map(|contents| contents.keys()));
                let (one, two) = (set(&contents[0]), set(&contents[1]));
                let [first, second] = &mut living;
                let both = async { tokio::join!(first.export(&one), second.export(&two)) };
                match as_far_as_it_goes(both).await {
                    Some((one, two)) => {
                        prop_assert!(one.troubles.is_empty() && two.troubles.is_empty(), "{one:?} {two:?}");
                    }
                    // Both processes are dead; what they remembered is gone.
                    None => living = [bucket(&trial), bucket(&trial)],
                }
                *trial.left.lock().unwrap() = None;
            }
        }
        let (there, list) = (trial.there().await, trial.manifest().await);
        for (path, text) in &theirs {
            // One process may write over it, and the other then remove what is ours.
            let is_touched = touched.iter().any(|name| path.strip_prefix("flux/") == Some(NAMES[*name]));
            let now = there.get(path).map(|(text, _)| text);
            prop_assert!(is_touched || now == Some(text), "{path} was not ours");
        }
        theirs.retain(|path, text| there.get(path).is_some_and(|(now, _)| now == text));
        for (path, (_, print)) in there {
            let name = path.strip_prefix("flux/").unwrap();
            prop_assert!(print.is_none() || list.objects.contains_key(name), "{name} is ours and not on the list");
        }
    }
    prop_assert_eq!(&bucket(&trial).export(&set(&last)).await.troubles, &[]);
    let list = trial.manifest().await;
    let mut expected = theirs.clone();
    for (name, version) in &last {
        expected.insert(format!("flux/{}", NAMES[*name]), format!("{} version {version}", NAMES[*name]));
    }
    let there: BTreeMap<String, String> =
        trial.there().await.into_iter().map(|(path, (text, _))| (path, text)).collect();
    prop_assert_eq!(there, expected);
    // Names that somebody began to write may stay on it.
    let written = list.objects.iter().filter(|(_, object)| object.print.is_some());
    let names: Vec<&str> = written.map(|(name, _)| name.as_str()).collect();
    let wanted: Vec<&str> =
        NAMES.iter().enumerate().filter(|(at, _)| last.contains_key(at)).map(|(_, name)| *name).collect();
    prop_assert_eq!(names, wanted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn wherever_two_processes_are_cut_the_list_is_true_and_others_objects_stay(
        events in proptest::collection::vec(event(), 1..10),
        last in contents(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(holds(events, last))?;
    }
}
