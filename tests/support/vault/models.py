"""Models that exist only to test what `dingtalk.foundation` gives to models."""

from django.db import models

from dingtalk.foundation.encrypted_fields import EncryptedBinaryField, EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased


class Box(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    label = models.CharField(max_length=50, default="")
    secret = EncryptedTextField()
    spare = EncryptedTextField(null=True)
    payload = EncryptedBinaryField(null=True)

    def __str__(self) -> str:
        return self.label


class Chest(models.Model):
    """The columns of Box in another table."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    secret = EncryptedTextField()

    def __str__(self) -> str:
        return str(self.pk)


class Job(Leased):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=20, default="open")

    def __str__(self) -> str:
        return self.state
