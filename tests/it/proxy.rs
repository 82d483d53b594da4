//! The way out through a proxy: the one that the environment names is used, also on a private address, and private servers
//! stay out of reach all the same.

use crate::support::Place;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

/// A proxy that notes what it is asked for, and refuses it.
fn proxy() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut start = [0; 1024];
            let read = stream.read(&mut start).unwrap_or(0);
            let line = String::from_utf8_lossy(&start[..read]).lines().next().unwrap_or("").to_owned();
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            if asked.send(line).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

/// What a proxy is asked for when an endpoint with this server is tested, and what the program says.
fn asked(server: &str, variables: &[(&str, &str)]) -> (Vec<String>, String) {
    let (url, heard) = proxy();
    let place = Place::new();
    let crieur =
        place.crieur(&format!("endpoints: {{ m: {{ network: mastodon, server: \"{server}\", token: jeton }} }}"));
    let mut command = crieur.command(&["endpoints", "test", "m"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    for (name, value) in variables {
        command.env(name, value.replace("PROXY", &url));
    }
    let output = command.output().unwrap();
    assert!(!output.status.success());
    (heard.try_iter().collect(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    for name in ["HTTPS_PROXY", "ALL_PROXY"] {
        let (asked, said) = asked("https://social.invalid", &[(name, "PROXY")]);
        assert!(asked.iter().any(|line| line.starts_with("CONNECT social.invalid:443 ")), "{name}: {asked:?} {said}");
    }
}

#[test]
fn without_a_proxy_or_where_it_is_excepted_the_way_is_straight() {
    assert!(asked("https://social.invalid", &[]).0.is_empty());
    assert!(asked("https://social.invalid", &[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "invalid")]).0.is_empty());
}

#[test]
fn a_private_server_stays_out_of_reach_behind_a_proxy() {
    for server in ["https://10.0.0.7", "https://[::1]", "https://localhost", "https://169.254.169.254"] {
        let (asked, said) = asked(server, &[("HTTPS_PROXY", "PROXY")]);
        assert!(asked.is_empty() && said.contains("is a private address"), "{server}: {asked:?} {said}");
    }
}
