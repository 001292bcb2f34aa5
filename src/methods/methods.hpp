// SPDX-License-Identifier: Apache-2.0
// The factories of the named methods, one per file; catalogue.cpp lists them.
#pragma once

#include "methods/catalogue.hpp"

namespace tardigrad::methods {

/// Vanilla asynchronous SGD: x_{t+1} = x_t - gamma * g(x_{t - tau_t}), each arrival, however stale; clipped to the
/// ball of radius clip_radius where one is given.
/// With data that differ between the workers it settles at the minimiser of the speed-weighted objective
/// sum_i (1/tau_i) f_i / sum_j (1/tau_j), unless dispatch = "uniform".
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307, Algorithm 1 (same) and Algorithm 2 (uniform)
std::unique_ptr<Method> make_asgd(Settings& settings, const MethodContext& context);

extern const MethodRow kVanillaAsgd;
extern const MethodRow kClippedAsgd;
extern const MethodRow kDelayAdaptiveAsgd;
extern const MethodRow kRingmasterAsgd;
extern const MethodRow kPickySgd;
extern const MethodRow kMishchenkoAsgd;
extern const MethodRow kWuAsgd;
extern const MethodRow kAdadelayAsgd;
extern const MethodRow kStalenessAwareAsgd;
extern const MethodRow kNSoftsync;
extern const MethodRow kDcAsgd;
extern const MethodRow kHtDelayLr;
extern const MethodRow kHtDelayComp;
extern const MethodRow kAsyncNsgdMomentum;
extern const MethodRow kAsyncMuon;
extern const MethodRow kAsyncScion;
extern const MethodRow kAsyncLmo;
extern const MethodRow kMinibatchSgd;
extern const MethodRow kMSyncSgd;
extern const MethodRow kRennalaSgd;
extern const MethodRow kAsyncMinibatchSgd;
extern const MethodRow kAdaptiveSync;
extern const MethodRow kMaleniaSgd;
extern const MethodRow kRingleaderAsgd;
extern const MethodRow kIa2Sgd;
extern const MethodRow kFedavg;
extern const MethodRow kFedprox;
extern const MethodRow kPapayaSync;
extern const MethodRow kFedasync;
extern const MethodRow kFedbuff;
extern const MethodRow kCa2fl;
extern const MethodRow kFadas;

}  // namespace tardigrad::methods
