# SPDX-License-Identifier: Apache-2.0
# The program in a container, for a user who is not root:
#   docker build -t tardigrad .
#   docker run --rm -v "$PWD/runs:/work/runs" tardigrad compare /usr/share/tardigrad/scenarios/heavy-tails.toml
# The folder runs must be one that the user with the number 1000 may write.
# --build-arg PACKAGES=tardigrad makes a small image, without LibTorch.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git
WORKDIR /source
COPY . .
RUN ./dev package

FROM debian:bookworm-slim
ARG PACKAGES="tardigrad tardigrad-torch"
COPY --from=build /source/build/packages /packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libopenblas0 \
       $(for package in $PACKAGES; do echo /packages/${package}_*.deb; done) \
    && rm -rf /var/lib/apt/lists/* /packages \
    && useradd --create-home --uid 1000 user \
    && install -d -o user -g user /work /work/runs
USER user
WORKDIR /work
ENTRYPOINT ["tardigrad"]
CMD ["--help"]
