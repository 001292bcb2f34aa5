// SPDX-License-Identifier: Apache-2.0
#include "data/transfer/transfer.hpp"

extern "C" const tardigrad::data::Transfer* tardigrad_transfer() {
  static const tardigrad::data::Transfer functions = {.download = &tardigrad::data::fetch,
                                                      .visit_archive_file = &tardigrad::data::visit,
                                                      .visit_archive = &tardigrad::data::visit,
                                                      .unpack = &tardigrad::data::unpack_single};
  return &functions;
}
