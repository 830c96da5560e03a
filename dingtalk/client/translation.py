"""
Files in which DingTalk puts names for ids, where a company encrypts its address book.

The app then cannot read names. It writes ids into a file, and DingTalk translates it for the person who
exports. Source: address-book-encryption.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_identifier, read_int

TRANSLATE_FILES = Call("/v1.0/contact/files/translate", family=Family.NEW)
GET_TRANSLATION = Call("/v1.0/contact/files/translateResults", family=Family.NEW, method="GET")

MAX_FILES = 20
_ID_LENGTH = 64
_URL_LENGTH = 2_048


class TranslationStatus(IntEnum):
    """Where a translation stands."""

    RUNNING = 0
    DONE = 1
    FAILED = 2


@dataclass(frozen=True)
class Translation:
    """`url` opens the translated file, once it is done, and only for a person who is signed in."""

    status: TranslationStatus
    url: str


class TranslationCalls(Caller):
    """Each is made with the company's token. A repeat starts a job once more, which does no harm."""

    def translate_files(
        self,
        *,
        corp_access_token: str,
        files: Mapping[str, str],
        union_id: str,
        output_file_name: str = "",
    ) -> str:
        """
        Have files translated for a person; return the job's id. Biz type 139 tells when it is done.

        `files`: file names by media id, at most 20 of xlsx, xls, csv, txt; more than one need an
        `output_file_name`. Refusals: param.invalid, system.busy. Source:
        asynchronous-address-book-file-content-translation.
        """
        name = {"outputFileName": output_file_name} if output_file_name else {}
        request = Request(
            TRANSLATE_FILES,
            body={"medias": dict(files), "unionId": union_id, **name},
            token=corp_access_token,
        )
        return self.ask(request, _read_job)

    def get_translation(self, *, corp_access_token: str, job_id: str) -> Translation:
        """Ask what became of a job. Source: obtains-the-results-of-an-asynchronous-translation-task."""
        request = Request(GET_TRANSLATION, query={"jobId": job_id}, token=corp_access_token)
        return self.ask(request, _read_translation)


def _read_job(members: Mapping[str, Any]) -> str:
    job_id = read_identifier(members.get("jobId"), _ID_LENGTH)
    if not job_id:
        raise UnusableAnswer("no job id in the answer")
    return job_id


def _read_translation(members: Mapping[str, Any]) -> Translation:
    """The status is a number, mostly written as text."""
    status = read_int(members.get("status"))
    if status not in list(TranslationStatus):
        raise UnusableAnswer("no status in the answer")
    return Translation(TranslationStatus(status), clean_text(members.get("url"), _URL_LENGTH))
