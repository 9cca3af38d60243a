"""Compilation of inner kernels, which only kernels call: no machine code of their own.

numba makes machine code of every function, and links a copy of what it calls into it: a kernel five
calls below a root is optimized five times. An inner kernel stays LLVM code until a root that calls
it, directly or not, is compiled; there it is optimized once, together with the rest.

This uses numba's internal classes, as pyproject.toml's bounds of numba allow.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult

from blobmaster.kernels.location import KernelFiles
from blobmaster.kernels.once import SharedCache


class _LinkedCode(JITCodeLibrary):
    """LLVM code that is linked into other libraries, and never run by itself."""

    def _optimize_final_module(self) -> None:
        pass  # what it is linked into is optimized as a whole

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 (numba's signature)
        return 0  # numba's word for a function that is not there

    def serialize_using_object_code(self) -> tuple[str, str, bytes]:
        code: bytes = self._get_module_for_linking().as_bitcode()
        return self.name, "linked", code

    @classmethod
    def read(cls, target: Any, saved: tuple[str, str, bytes]) -> _LinkedCode:
        """Return the library that `serialize_using_object_code` saved."""
        name, _, code = saved
        library = cls(target.codegen(), name)
        library._final_module = binding.parse_bitcode(code)
        library._finalize_final_module()
        return library


class InnerCompiler(Compiler):
    """numba's compiler, up to the code that is linked into callers."""

    def _compile_core(self) -> Any:
        state = self.state
        state.library = _LinkedCode(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        result = super()._compile_core()._replace(entry_point=_entry_point())
        state.targetctx.insert_user_function(result.entry_point, result.fndesc, [result.library])
        return result


def _entry_point() -> Any:
    """Return a placeholder for the entry point, the function by which Python calls a kernel.

    An inner kernel has none, but numba requires a built-in function in its place and uses it as the
    key of the compiled code. The method of a new list is a built-in function of which no two are
    equal.
    """
    return [].pop


class _SavedResults(KernelFiles):
    def rebuild(self, target_context: Any, payload: Any) -> Any:
        code, description, environment, signature, objectmode, lifted, annotation, *_ = payload
        return CompileResult(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=_LinkedCode.read(target_context, code),
            environment=environment,
            entry_point=_entry_point(),
            fndesc=description,
            type_annotation=annotation,
            signature=signature,
            objectmode=objectmode,
            lifted=lifted,
            typing_error=None,
            call_helper=None,
            metadata=None,
            reload_init=(),
            referenced_envs=(),
        )


class InnerCache(SharedCache):
    """numba's cache on disk, of the code of inner kernels."""

    _impl_class = _SavedResults


INNER_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": InnerCompiler,
}
"""numba's options for inner kernels: no reference counting, and no code for calls from Python."""
