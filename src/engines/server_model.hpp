// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad {

/// The server's parameters on one machine. A program that writes x reads the old one and writes the new one into a
/// fresh buffer: the memory traffic of an update in place, and every version stays alive exactly as long as somebody
/// computes at it. A work vector is overwritten in place, but for the first time after its state was saved: what was
/// saved stays as it is for whoever writes it to a disk, and saving copies nothing.
/// Thread  the server loop; snapshots may be read and dropped anywhere
class ServerModel final : public Model {
 public:
  /// x: the initial point, in a buffer of `pool`. Pool and layout outlive the model and its snapshots.
  ServerModel(BufferPool& pool, const Layout& layout, Buffer x, kernels::Threads threads = kernels::Threads::one);

  Version version() const override { return snapshot_.version; }
  std::size_t dimension() const override { return pool_.buffer_floats(); }
  const Layout& layout() const override { return layout_; }
  Vec make_vector() override;
  std::size_t vectors() const override { return vectors_.size(); }
  void run(const VectorProgram& program, const Gradient* gradient) override;
  double squared_distance(Vec p, Vec q, const Gradient* gradient) override;
  void tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient) override;
  void scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient) override;
  double steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) override;

  const Snapshot& snapshot() const { return snapshot_; }
  /// Saves or loads x, its version and the work vectors.
  void serialize(Archive& archive);

 private:
  std::span<const float> read(Vec v, const Gradient* gradient) const;
  // An operation says what it will overwrite, writes, and says when it is done.
  void begin_write(Vec v);
  std::span<float> write(Vec v);
  void end_write(Vec v);

  struct WorkVector {
    std::shared_ptr<Buffer> values;
    bool saved = false;                  // somebody may be reading it: it is not overwritten, but replaced
    std::shared_ptr<Buffer> fresh = {};  // while it is being replaced
  };

  BufferPool& pool_;
  const Layout& layout_;
  kernels::Threads threads_;
  Snapshot snapshot_;
  std::vector<WorkVector> vectors_;
};

}  // namespace tardigrad
