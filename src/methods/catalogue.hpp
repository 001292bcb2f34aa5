// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/catalogue.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

/// The methods that are built in.
std::span<const MethodRow> catalogue();

/// Every method by its name: those built in, and those that were added.
/// Thread  one at a time while it is added to; then any
class MethodCatalogue : public Catalogue<MethodRow> {
 public:
  MethodCatalogue();
  /// Errors  as Catalogue::add; Error for a stranger's row whose texts or settings cannot be listed
  void add(MethodRow row, RowOrigin origin);
  /// The method of a [method] table: reads `name` and the method's own settings. The caller calls settings.finish().
  /// A stranger's is looked at closely (guarded.hpp).
  /// Errors  Error for an unknown name (with the nearest) or an impossible setting
  std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) const;
};

/// As MethodCatalogue::make, of those built in.
std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
