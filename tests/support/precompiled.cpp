// SPDX-License-Identifier: Apache-2.0
// The target of the precompiled headers of tests needs a source.
int main() {}
