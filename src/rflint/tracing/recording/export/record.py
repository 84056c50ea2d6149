"""One forward pass, recorded by way of torch.export."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from rflint.errors import RflintError, TraceFailed, error_text, internal_error
from rflint.inputs.forward_call import BY_POSITION, ForwardCall
from rflint.tracing.model.signature import check_signature
from rflint.tracing.recording.export.exporter import Exporter
from rflint.tracing.recording.export.replay import Replay
from rflint.tracing.recording.export.scripts import without_scripts
from rflint.tracing.recording.recording import Recording
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.source_lines import innermost_user_line_of


@enters_user_code
def record_exported(
    model: nn.Module, inputs: Sequence[torch.Tensor], call: ForwardCall = BY_POSITION
) -> Recording:
    """What following the model's own code would give, by way of torch.export.

    Raises InputMismatch where a layer cannot run on what reaches it, TraceFailed where torch.export
    fails. The model is to be on meta (see `temporarily_on_meta`): parts of it are replaced.
    """
    check_signature(model, *call.with_inputs(inputs))
    root = without_scripts(model)
    exporter = Exporter(root)
    try:
        program = exporter.exported(inputs, call)
    except RflintError:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise TraceFailed(
            f"torch.export fails: {error_text(error).splitlines()[0]}",
            hint="rflint follows more with --tracer auto.",
            source=innermost_user_line_of(error),
        ) from error
    replay = Replay(root, program, exporter.leaf_calls)
    try:
        return replay.recording_of(inputs)
    except RflintError:
        raise
    except Exception as error:
        if error is not replay.recorder.execution.error:
            raise internal_error(error) from error
        raise TraceFailed(f"the exported graph does not fit: {error_text(error)}") from error
