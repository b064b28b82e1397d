/** Pages for those who may get in: asked for a password first, answered from the store then, in each one's language. */
import { basicAuth, cache, defineConfig } from 'sluice'

export default defineConfig({
  upstreams: { club: '127.0.0.1:9000' },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      routes: [
        {
          layers: [
            // In front of the cache, else everyone would get what is stored. The password is "only an example".
            basicAuth({
              users: {
                alice:
                  '$scrypt$ln=14,r=8,p=1$sOWFZ3iFBywtYCsZ3IVYew$4IHSf2fMd6gofjaYXoWmyJBHaKuiFbK0BIKWUgDweW8',
              },
            }),
            cache({ key: { cookies: ['language'] }, status: 'full' }),
          ],
          to: 'club',
        },
      ],
    },
  ],
})
