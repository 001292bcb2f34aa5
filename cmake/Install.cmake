# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the packages that CPack makes of it (`./dev package`). The installed tree can
# be moved: program, libraries and plugins find each other, and CMake the package, relative to themselves.
#   bin/tardigrad            the program
#   lib/tardigrad/           libtardigrad_core.so, libtardigrad_experiment.so, libtardigrad_transfer.so and others that
#                            are opened when needed, and plugins that are opened without being named (core/plugins.hpp)
#   include/tardigrad/       the contract, for plugins and for programs that embed it
#   lib/cmake/tardigrad/     find_package(tardigrad), with the targets tardigrad::tardigrad and tardigrad::experiment
#   share/                   completions for bash, zsh and fish, the manual page
#   share/tardigrad/         documents, scenarios and examples, side by side as in the source tree; the schema
include(CMakePackageConfigHelpers)
set(private lib/tardigrad)
set(package lib/cmake/tardigrad)

# A further library for other programs: its target here, its headers below.
set(exported tardigrad_core tardigrad_embedded)
set_target_properties(tardigrad_core PROPERTIES EXPORT_NAME tardigrad INSTALL_RPATH $ORIGIN)
set_target_properties(tardigrad_embedded PROPERTIES EXPORT_NAME experiment INSTALL_RPATH $ORIGIN)
target_compile_features(tardigrad_core INTERFACE cxx_std_20)
set_target_properties(tardigrad PROPERTIES INSTALL_RPATH $ORIGIN/../${private})
install(TARGETS tardigrad RUNTIME DESTINATION bin COMPONENT core)
install(TARGETS ${exported} EXPORT tardigrad LIBRARY DESTINATION ${private} COMPONENT core)
get_property(opened GLOBAL PROPERTY tardigrad_opened)
set_target_properties(${opened} PROPERTIES INSTALL_RPATH $ORIGIN)
install(TARGETS ${opened} LIBRARY DESTINATION ${private} COMPONENT core)
install(DIRECTORY include/tardigrad DESTINATION include COMPONENT core)
if(TARDIGRAD_HAS_TORCH)
  # A LibTorch outside of the system's folders is found where it was at the build.
  set_target_properties(tardigrad_torch PROPERTIES INSTALL_RPATH $ORIGIN INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS tardigrad_torch LIBRARY DESTINATION ${private} COMPONENT torch)
  install(FILES LICENSE DESTINATION share/doc/tardigrad-torch RENAME copyright COMPONENT torch)
endif()

install(EXPORT tardigrad NAMESPACE tardigrad:: FILE tardigrad-targets.cmake DESTINATION ${package} COMPONENT core)
configure_package_config_file(packaging/tardigrad-config.cmake.in ${CMAKE_BINARY_DIR}/tardigrad-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tardigrad-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tardigrad-config.cmake ${CMAKE_BINARY_DIR}/tardigrad-config-version.cmake
  DESTINATION ${package} COMPONENT core)

# Not share/doc, which small systems leave out.
install(FILES LICENSE README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md DESTINATION share/tardigrad COMPONENT core)
install(DIRECTORY docs scenarios DESTINATION share/tardigrad COMPONENT core)
install(DIRECTORY examples/plugin examples/embedding examples/deploy DESTINATION share/tardigrad/examples
  COMPONENT core)
install(FILES LICENSE DESTINATION share/doc/tardigrad RENAME copyright COMPONENT core)

if(TARGET words)
  set(words ${CMAKE_BINARY_DIR}/words)
  install(FILES ${words}/tardigrad.bash DESTINATION share/bash-completion/completions RENAME tardigrad COMPONENT core)
  install(FILES ${words}/_tardigrad DESTINATION share/zsh/site-functions COMPONENT core)
  install(FILES ${words}/tardigrad.fish DESTINATION share/fish/vendor_completions.d COMPONENT core)
  install(FILES ${words}/tardigrad.1 DESTINATION share/man/man1 COMPONENT core)
  install(FILES ${words}/scenario.schema.json DESTINATION share/tardigrad COMPONENT core)
endif()

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME tardigrad)
set(CPACK_PACKAGE_VENDOR "The Tardigrad authors")
set(CPACK_PACKAGE_CONTACT "The Tardigrad authors <tardigrad@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Asynchronous SGD under stragglers, simulated and on threads")
set(CPACK_PACKAGE_DESCRIPTION "Asynchronous SGD under stragglers, simulated and on threads
Many unequal workers compute gradients that are real, in time that is virtual or
on real threads; methods are compared by the time that they need to a target.")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_ALL core)
if(TARDIGRAD_HAS_TORCH)
  list(APPEND CPACK_COMPONENTS_ALL torch)
endif()

# tardigrad and tardigrad-torch; what their libraries depend on is read from the ELF files.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_CORE_PACKAGE_NAME tardigrad)
set(CPACK_DEBIAN_CORE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_DEBIAN_CORE_PACKAGE_RECOMMENDS "ca-certificates, libopenblas0")  # opened on demand
set(CPACK_DEBIAN_CORE_PACKAGE_SUGGESTS "tardigrad-torch")
set(CPACK_DEBIAN_TORCH_PACKAGE_NAME tardigrad-torch)
set(CPACK_DEBIAN_TORCH_PACKAGE_DEPENDS "tardigrad (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_TORCH_DESCRIPTION "Neural networks for Tardigrad: a CNN, ResNet-18 and a character LSTM, by LibTorch")
# One archive with everything that was built.
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
string(TOLOWER ${CMAKE_SYSTEM_NAME} system)
set(CPACK_PACKAGE_FILE_NAME tardigrad-${PROJECT_VERSION}-${system}-${CMAKE_SYSTEM_PROCESSOR})
include(CPack)
