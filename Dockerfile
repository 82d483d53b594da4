# docker build -t crieur .
# docker run --rm -p 8080:8080 -v "$PWD/examples/site:/site:ro" -v crieur-data:/data crieur
#
# Needs BuildKit (Docker 23 or later) or Buildah. docker/compose.yaml shows the image with everything tightened.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# The caches keep the downloaded packages and what was compiled from one build to the next, and stay out of the image;
# hence the copy of the result, in the same step. Cargo goes by the age of files, and a checkout can be older than what
# another branch left in the cache: touched, the program itself is always compiled from what was copied above.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    find src -type f -exec touch {} + \
    && cargo build --locked --profile dist --bin crieur \
    && cp target/dist/crieur /crieur

# Debian rather than an image without a distribution, which would be some 50 MB smaller: it is the release that the
# binary was linked on, so the C library is the same; anyone can make it from Debian's packages alone, which is how
# scripts/image-check proves this file without an image registry; and scanners know what is in it. No time zone package:
# the zones are in the binary.
FROM debian:bookworm-slim
# The authorities by which the networks' certificates are checked; the release pins its version. /data is for the
# database, /public for feeds written as files (feeds.export): volumes mounted there take over these owners.
# git and ssh are for sites in a repository (site.git), some 100 MB with Perl: `--build-arg GIT=` leaves them out. ssh
# wants its user to have a name.
ARG GIT="git openssh-client"
# hadolint ignore=DL3008,SC2086
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates $GIT \
    && echo 'crieur:x:65532:65532:Crieur:/data:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'crieur:x:65532:' >>/etc/group \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/debconf/*-old \
    && install -d -o 65532 -g 65532 -m 0750 /data \
    && install -d -o 65532 -g 65532 -m 0755 /public
COPY --from=build /crieur /usr/local/bin/crieur
COPY docker/crieur.yaml /etc/crieur/crieur.yaml
COPY LICENSE LICENSE-MIT LICENSE-APACHE /usr/share/doc/crieur/

# Whoever publishes the image adds its version, revision and source with --label.
LABEL org.opencontainers.image.title="Crieur" \
      org.opencontainers.image.description="Feeds and scheduled posts from a site's published articles" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"

ENV CRIEUR_CONFIG=/etc/crieur/crieur.yaml
# A number, so that Kubernetes can tell that it is not root (runAsNonRoot). Nothing outside /data and /public is ever
# written: the root file system may be read-only.
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Ready: the first look at the site is done and the database answers. The command itself gives up after 5 s.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["crieur", "healthcheck"]
# On SIGTERM, what is under way may take 25 s to end: give it 30 (--stop-timeout 30); Docker's own patience is 10.
ENTRYPOINT ["crieur"]
CMD ["run"]
